/**
 * Data and compute threads of one pooled version, all in the thread of a test: its turns, messages
 * and deaths happen when the test says so, in any order. Slots, queues and loops are the real ones.
 */

import type { Place } from '../../src/runtime/batch-runs.ts'
import { ComputeLoop } from '../../src/runtime/pool/compute-loop.ts'
import { PoolLinks } from '../../src/runtime/pool/pool-links.ts'
import { mapPool, type PoolMemory, poolBytes } from '../../src/runtime/pool/pool-memory.ts'
import type { FromComputeThread, PoolGrant } from '../../src/runtime/pool/pool-messages.ts'
import { PoolQueue } from '../../src/runtime/pool/pool-queue.ts'
import { poolShape } from '../../src/runtime/pool/pool-shape.ts'
import { recover } from '../../src/runtime/pool/pool-slots.ts'
import type { PoolQueued } from '../../src/runtime/row-queue.ts'
import type { Session } from '../../src/runtime/session-types.ts'
import type { PlannedVersion } from '../../src/shared/epoch-plan.ts'
import type { Refusal } from '../../src/shared/errors.ts'
import { RunMark } from '../../src/shared/run-marks.ts'
import type { SessionSettings } from '../../src/shared/session-settings.ts'
import type { Tensor } from '../../src/shared/tensor.ts'
import { rowsAt } from './batcher-rig.ts'
import { CountingSession } from './counting-session.ts'
import { plannedVersion } from './epoch-plans.ts'
import { channel, type PuppetPort, portOf } from './puppet-ports.ts'
import { PuppetTurns } from './puppet-turns.ts'

export interface PoolMember extends PoolQueued {
  readonly id: number
  readonly rows: number
  /** Values of its rows. */
  readonly values: readonly number[]
}

/** How a member left: its values, or the code of its refusal. */
export interface Left {
  readonly values: readonly number[] | null
  /** What it was told of its inputs; null: nothing. */
  readonly inputs: readonly number[] | null
  readonly code: string
  readonly badRow: number
  readonly refusal: Refusal | null
}

/** Thrown in a compute thread that dies; nothing catches it there. */
class Death extends Error {}

class PuppetCompute {
  readonly words = new Int32Array(new SharedArrayBuffer(64))
  turns = new PuppetTurns()
  ports: PuppetPort[] = []
  loop: ComputeLoop | null = null
  session: Session = new CountingSession()
  load = (_settings: SessionSettings): Session => this.session
  /** It dies at the n-th reading of the clock or message from now on; 0: it lives. */
  dieAt = 0
  readonly told: FromComputeThread[] = []

  live(): void {
    if (this.dieAt > 0 && --this.dieAt === 0) this.dieAt = -1
    if (this.dieAt === -1) throw new Death()
  }
}

export interface PoolWorldOptions {
  readonly dataThreads?: number
  readonly computeThreads?: number
  readonly planned?: Partial<PlannedVersion>
  readonly session?: () => Session
  readonly queueRowsMax?: number
  readonly queueWorkMsMax?: number
  /** Of `openMarks`. */
  readonly marksFd?: number
}

export class PoolWorld {
  nowMs = 1000
  readonly planned: PlannedVersion
  readonly pool: PoolMemory
  readonly queues: PoolQueue<PoolMember>[] = []
  readonly links: PoolLinks[] = []
  readonly dataWords: Int32Array[] = []
  readonly computes: PuppetCompute[] = []
  readonly left = new Map<number, Left[]>()
  /** Places that data threads were told of: what is told may not be kept. */
  readonly places = new Set<Place>()
  readonly faults: unknown[] = []
  /** Runs as data threads were told of them. */
  readonly served: number[] = []
  queuedRows = 0
  queuedRequests = 0
  readonly #dataPorts: PuppetPort[][] = []
  readonly #grant: PoolGrant
  readonly #session: () => Session
  readonly #marksFd: number

  constructor(options: PoolWorldOptions = {}) {
    const { dataThreads = 2, computeThreads = 2, planned = {} } = options
    const { queueRowsMax = 1000, queueWorkMsMax = 1e6 } = options
    const limits = { queueRowsMax, queueWorkMsMax }
    this.#session = options.session ?? (() => new CountingSession())
    this.#marksFd = options.marksFd ?? 0
    this.planned = plannedVersion({ model: 'm', version: 1, ...planned })
    const shape = poolShape(this.planned, dataThreads)
    const memory = new SharedArrayBuffer(poolBytes(shape))
    this.pool = mapPool(memory, shape)
    const hosts = Array.from({ length: computeThreads }, (_, i) => i)
    this.#grant = { pool: 1, memory, hosts }
    for (const _ of hosts) this.computes.push(new PuppetCompute())
    for (let thread = 0; thread < dataThreads; thread++) this.#addData(thread, limits)
    for (const thread of hosts) this.#start(thread)
  }

  #addData(dataThread: number, limits: { queueRowsMax: number; queueWorkMsMax: number }): void {
    const words = new Int32Array(new SharedArrayBuffer(64))
    this.dataWords.push(words)
    const links = new PoolLinks(
      words,
      this.computes.map((compute) => compute.words),
    )
    this.links.push(links)
    const { batching, queue: policies } = this.planned
    const policy = { ...batching, ...limits, queue: policies }
    const queue = new PoolQueue<PoolMember>(
      {
        ...{ grant: this.#grant, pool: this.pool, dataThread, links, policy },
        ...{ originMs: 500, monotonic: () => this.nowMs },
      },
      {
        onQueueRows: (delta) => {
          this.queuedRows += delta
        },
        onQueued: () => void this.queuedRequests++,
        onUnqueued: () => void this.queuedRequests--,
        onRunStart: () => {},
        onRunEnd: () => {},
        onServed: (_, rows) => void this.served.push(rows),
        onDone: (member, results, place) => {
          const values = rowsAt(results, place, true)
          this.#leave(member, place, { values, code: '', badRow: -1, refusal: null })
        },
        onFailed: (member, refusal, badRow, place) => {
          this.#leave(member, place, { values: null, code: refusal.code, badRow, refusal })
        },
        onFault: (_, thrown) => void this.faults.push(thrown),
      },
    )
    this.queues.push(queue)
    links.add(1, queue)
  }

  #leave(member: PoolMember, place: Place, how: Omit<Left, 'inputs'>): void {
    const before = this.left.get(member.id) ?? []
    const inputs = place.inputs === null ? null : rowsAt(place.inputs, place, true)
    this.places.add(place)
    this.left.set(member.id, [...before, { ...how, inputs }])
  }

  #start(thread: number): void {
    const compute = this.computes[thread]!
    compute.turns = new PuppetTurns()
    compute.ports = []
    for (const links of this.links) {
      const [near, far] = channel()
      near.onPost = () => compute.live()
      compute.ports.push(near)
      const dataThread = this.links.indexOf(links)
      this.#dataPorts[dataThread] ??= []
      this.#dataPorts[dataThread].push(far)
      links.connect(thread, portOf(far))
    }
    compute.session = this.#session()
    compute.loop = new ComputeLoop({
      thread,
      own: { words: compute.words, gauges: new Float64Array(8) },
      dataWords: this.dataWords,
      ports: compute.ports.map(portOf),
      mark: new RunMark(this.#marksFd, thread),
      keptValuesMax: 1e6,
      turns: {
        monotonic: () => {
          compute.live()
          return this.nowMs - 250
        },
        soon: (task) => compute.turns.soon(task),
        after: (delayMs, task) => compute.turns.after(delayMs, task),
      },
      originMs: 750,
      tell: (message) => {
        compute.live()
        compute.told.push(message)
      },
      load: (_planned, settings) => compute.load(settings),
      end: () => {},
    })
    this.load(thread)
  }

  /** A version of the same memory and queues; the first one unless told otherwise. */
  load(thread: number, pool = 1, planned = this.planned): void {
    const order = { grant: { ...this.#grant, pool }, planned, versionNumber: planned.version }
    this.computes[thread]!.loop!.onMessage({ type: 'load', ...order })
  }

  unload(thread: number, pool = 1): void {
    this.computes[thread]!.loop!.onMessage({ type: 'unload', pool })
  }

  /** Admits a request of one float pair a row, unless its queue refuses it. */
  admit(dataThread: number, member: PoolMember, way: 'place' | 'tensors'): Refusal | null {
    const queue = this.queues[dataThread]!
    const refusal = queue.refusal(member, member.rows, this.nowMs)
    if (refusal !== null) return refusal
    const target = { columns: [] as readonly unknown[], row: 0, room: 0 }
    queue.openTarget(target as never)
    if (way === 'place' && target.room >= member.rows) {
      const column = target.columns[0] as Float32Array
      column.set(member.values, target.row * 2)
      queue.admitInPlace(member, member.rows, this.nowMs)
    } else {
      const data = Float32Array.from(member.values)
      const tensor: Tensor = { datatype: 'FP32', shape: [member.rows, 2], data }
      queue.admitTensors(member, [tensor], member.rows, this.nowMs)
    }
    return null
  }

  /** What was posted to a compute thread is heard. */
  hear(thread: number): void {
    this.#alive(thread, ({ ports }) => {
      for (const port of ports) port.deliver()
    })
  }

  turn(thread: number): void {
    this.#alive(thread, ({ turns }) => turns.turn())
  }

  /** What was posted to a data thread is heard. */
  look(dataThread: number): void {
    for (const port of this.#dataPorts[dataThread] ?? []) port.deliver()
  }

  /** Time passes for all. */
  pass(ms: number): void {
    this.nowMs += ms
    for (const [thread] of this.computes.entries()) {
      this.#alive(thread, ({ turns }) => turns.advance(ms))
    }
  }

  /** Dies now; or in the midst of what it does next, at the n-th thing that it does. */
  die(thread: number, at = 0): void {
    if (at > 0) this.computes[thread]!.dieAt = at
    else this.#bury(thread)
  }

  #alive(thread: number, act: (compute: PuppetCompute) => void): void {
    const compute = this.computes[thread]!
    try {
      act(compute)
    } catch (thrown) {
      if (!(thrown instanceof Death)) throw thrown
      this.#bury(thread)
    }
  }

  /** As the agent does when a thread has ended. */
  #bury(thread: number): void {
    this.computes[thread]!.dieAt = 0
    recover(this.pool, thread)
    this.#start(thread)
    for (const { loop } of this.computes) loop!.onMessage({ type: 'wake' })
    for (const links of this.links) links.look()
  }

  /** Messages to a compute thread that it has not heard. */
  posted(thread: number): number {
    return this.computes[thread]!.ports.reduce((sum, { inbox }) => sum + inbox.length, 0)
  }

  /** Messages to a data thread that it has not heard. */
  said(dataThread: number): readonly unknown[] {
    return this.#dataPorts[dataThread]!.flatMap(({ inbox }) => inbox)
  }

  /** Everybody does what there is to do, until nothing happens any more. */
  settle(rounds = 100): void {
    for (const compute of this.computes) compute.dieAt = 0
    for (let round = 0; round < rounds; round++) {
      for (const [thread] of this.computes.entries()) {
        this.hear(thread)
        this.turn(thread)
      }
      this.pass(1)
      for (const [thread] of this.links.entries()) this.look(thread)
    }
  }
}
