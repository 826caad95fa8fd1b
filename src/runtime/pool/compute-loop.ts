/**
 * What a compute thread does: loads and unloads versions, has a turn for each that has something
 * ready, sleeps when none has. It never waits for anything but messages, so that requests, queue
 * delays, orders of the agent and beats all come by the one event loop.
 *
 * Why not `Atomics.wait` on the bell: it would stop that loop, and everything else would need a
 * second way in. A message to a thread that sleeps costs some 6 us, one to a thread that is busy is
 * never sent.
 */

import type { MessagePort } from 'node:worker_threads'
import { type PlannedVersion, sessionKey } from '../../shared/epoch-plan.ts'
import { GatewayError } from '../../shared/errors.ts'
import type { RunMark } from '../../shared/run-marks.ts'
import { gpusOf, type SessionSettings, sessionAt } from '../../shared/session-settings.ts'
import { type ComputeMemory, THREAD_STATE, THREAD_WORDS } from '../../shared/shared-memory.ts'
import { enterState, enterVersion } from '../../shared/thread-state.ts'
import type { Turns } from '../batcher-policy.ts'
import { CostModel } from '../cost-model.ts'
import type { Session } from '../session-types.ts'
import { FairTurns } from './fair-turns.ts'
import { PoolHost } from './pool-host.ts'
import { raiseBell } from './pool-links.ts'
import { mapPool } from './pool-memory.ts'
import {
  type FromComputeThread,
  type SentTensors,
  type ToComputeThread,
  WAKE,
} from './pool-messages.ts'
import { poolShape } from './pool-shape.ts'

export interface ComputeSurroundings {
  readonly thread: number
  readonly own: ComputeMemory
  /** Words and port of each data thread. */
  readonly dataWords: readonly Int32Array[]
  readonly ports: readonly MessagePort[]
  readonly keptValuesMax: number
  readonly mark: RunMark
  readonly turns: Turns
  readonly originMs: number
  tell(message: FromComputeThread): void
  /** A warm session of the version, with these settings; throws what loading throws. */
  load(planned: PlannedVersion, settings: SessionSettings): Session
  end(): void
}

interface HeldSession {
  readonly session: Session
  readonly cost: CostModel
  /** Pools that use it. */
  readonly pools: Set<number>
}

type Load = Extract<ToComputeThread, { type: 'load' }>

export class ComputeLoop {
  readonly #around: ComputeSurroundings
  readonly #fair: FairTurns
  readonly #hosts = new Map<number, PoolHost>()
  /** By sessionKey and GPU: versions that differ in nothing but their queues share one. */
  readonly #sessions = new Map<string, HeldSession>()
  /** For versions whose `load` was not heard yet: another port brings it. */
  #early: SentTensors[] = []
  /** Data threads that have something done to look at. */
  readonly #touched = new Set<number>()

  constructor(around: ComputeSurroundings) {
    this.#around = around
    const { turns, ports } = around
    this.#fair = new FairTurns(
      {
        monotonic: () => turns.monotonic(),
        soon: (task) => turns.soon(() => this.#turn(task)),
        after: (delayMs, task) => turns.after(delayMs, task),
      },
      () => this.#sleep(),
    )
    // The thread before it may have died in a run.
    enterState(around.own.words, THREAD_STATE.IDLE)
    around.mark.clear()
    for (const port of ports) port.on('message', (message) => this.#onSent(message))
    this.#sleep()
  }

  readonly onMessage = (message: ToComputeThread): void => {
    if (message.type === 'wake') {
      this.#wake()
      return
    }
    this.#around.mark.rest() // a fault of what follows is none of the version that ran
    if (message.type === 'load') this.#load(message)
    else if (message.type === 'unload') this.#unload(message.pool)
    else this.#around.end()
  }

  #onSent(message: SentTensors | typeof WAKE): void {
    if (message === WAKE) this.#wake()
    else this.#onTensors(message)
  }

  #onTensors(sent: SentTensors): void {
    const host = this.#hosts.get(sent.pool)
    if (host !== undefined) host.onTensors(sent)
    else if (sent.tensors !== null) this.#early.push(sent)
    else
      this.#early = this.#early.filter(({ pool, slot }) => pool !== sent.pool || slot !== sent.slot)
  }

  #wake(): void {
    for (const host of this.#hosts.values()) host.want()
  }

  #turn(task: () => void): void {
    this.#stayAwake()
    try {
      task()
    } finally {
      this.#ring()
    }
  }

  /** Data threads whose slots are done, each once a turn. */
  #ring(): void {
    const { dataWords, ports } = this.#around
    for (const thread of this.#touched) {
      if (raiseBell(dataWords[thread]!)) ports[thread]!.postMessage(WAKE)
    }
    this.#touched.clear()
  }

  /** Whoever has something for a thread that sleeps wakes another one, if there is one. */
  #stayAwake(): void {
    Atomics.store(this.#around.own.words, THREAD_WORDS.BELL, 1)
  }

  /** What became ready before the bell was lowered is seen here, what comes after rings. */
  #sleep(): void {
    const { words } = this.#around.own
    this.#around.mark.rest()
    Atomics.store(words, THREAD_WORDS.BELL, 0)
    for (const host of this.#hosts.values()) host.pull()
    if (!this.#fair.isIdle) this.#stayAwake()
    this.#ring()
  }

  #load({ grant, planned, versionNumber }: Load): void {
    const { own, tell } = this.#around
    const { pool } = grant
    this.#stayAwake()
    enterVersion(own.words, THREAD_STATE.LOAD, versionNumber)
    try {
      const session = this.#sessionOf(planned, grant)
      this.#hosts.set(pool, this.#hostOf(grant, planned, versionNumber, session))
      tell({ type: 'loaded', pool, failure: null })
    } catch (thrown) {
      const { code, message, cause } = GatewayError.from(thrown)
      const detail = cause instanceof Error && code === 'INTERNAL' ? cause.message : message
      tell({ type: 'loaded', pool, failure: { code, detail } })
    } finally {
      enterState(own.words, THREAD_STATE.IDLE)
    }
    const early = this.#early.filter((sent) => sent.pool === pool)
    this.#early = this.#early.filter((sent) => sent.pool !== pool)
    for (const sent of early) this.#hosts.get(pool)?.onTensors(sent)
    if (this.#fair.isIdle) this.#sleep()
  }

  #hostOf(
    grant: Load['grant'],
    planned: PlannedVersion,
    versionNumber: number,
    { session, cost }: HeldSession,
  ): PoolHost {
    const { own, dataWords, ports, keptValuesMax, thread, turns, originMs, tell, mark } =
      this.#around
    const shape = poolShape(planned, dataWords.length)
    return new PoolHost({
      poolNumber: grant.pool,
      pool: mapPool(grant.memory, shape),
      thread,
      session,
      cost,
      policy: {
        ...planned.batching,
        // What may wait is decided where requests are admitted.
        queueRowsMax: Number.POSITIVE_INFINITY,
        queueWorkMsMax: Number.POSITIVE_INFINITY,
        queue: planned.queue,
        keptValuesMax,
      },
      fair: this.#fair,
      turns,
      originMs,
      onTurn: () => mark.restUnless(versionNumber),
      onRunStart: () => {
        mark.begin(versionNumber)
        enterVersion(own.words, THREAD_STATE.RUN, versionNumber)
      },
      onRunEnd: () => enterState(own.words, THREAD_STATE.IDLE),
      onFinished: (dataThread) => void this.#touched.add(dataThread),
      send: (dataThread, result, transfer) =>
        ports[dataThread]!.postMessage(result, transfer as ArrayBuffer[]),
      onFault: (thrown) =>
        tell({ type: 'fault', detail: String((thrown as Error)?.stack ?? thrown) }),
    })
  }

  #sessionOf(planned: PlannedVersion, { pool, hosts }: Load['grant']): HeldSession {
    const settings = sessionAt(planned.session, hosts.indexOf(this.#around.thread))
    const key = JSON.stringify([sessionKey(planned), gpusOf(settings)])
    const held = this.#sessions.get(key) ?? {
      session: this.#around.load(planned, settings),
      cost: new CostModel(planned.runUsByRows),
      pools: new Set(),
    }
    this.#sessions.set(key, held)
    held.pools.add(pool)
    return held
  }

  #unload(pool: number): void {
    this.#hosts.get(pool)?.leave()
    this.#hosts.delete(pool)
    for (const [key, { session, pools }] of this.#sessions) {
      if (!pools.delete(pool) || pools.size > 0) continue
      this.#sessions.delete(key)
      session.dispose()
    }
    this.#around.tell({ type: 'unloaded', pool })
  }
}
