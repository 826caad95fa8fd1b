/**
 * One replica index: starts its process, waits for its Hello, sees its death and starts the next.
 * After every event `#settle` asks `decide` what to do; nothing else acts on the process.
 */

import { create } from '@bufbuild/protobuf'
import { DrainSchema, type Hello } from '../../proto/gen/control_pb.ts'
import type { Clock } from '../shared/clock.ts'
import type { ReplicaSettings } from '../shared/epoch-plan.ts'
import type { Logger } from '../shared/logger.ts'
import { isAlive } from '../shared/process-identity.ts'
import { countDeath, restartDelayMs } from './backoff.ts'
import type { ConnectedReplica, ReplicaDeath } from './connected-replica.ts'
import { decide, KILL_AGAIN_MS, type ReplicaFacts } from './replica-decision.ts'
import { type ReplicaFile, removeReplicaFile, writeReplicaFile } from './replica-files.ts'
import {
  adoptProcess,
  type ReplicaProcess,
  signalReplica,
  spawnReplica,
} from './replica-process.ts'
import type { ControlLink } from './socket-server.ts'
import type { StateDir } from './state-dir.ts'

/** From start, or from the loss of its link, to Hello. */
export const HELLO_MS_MAX = 10_000
/** What a drained replica may need to end after its requests have ended. */
const EXIT_MS = 1000

export interface SlotSurroundings {
  readonly stateDir: StateDir
  /** File that Node runs as a replica. */
  readonly entry: string
  readonly clock: Clock
  readonly logger: Logger
  settingsFor(index: number, incarnation: number): ReplicaSettings
  onDied(death: ReplicaDeath): void
}

export class ReplicaSlot {
  readonly index: number
  readonly #surroundings: SlotSurroundings
  #isWanted: boolean
  #process: ReplicaProcess | null = null
  #replica: ConnectedReplica | null = null
  #deaths = 0
  #startAtMs = 0
  #cancelTimer = () => {}
  #waiting: (() => void)[] = []
  /** Processes that followed another one under this control. */
  restarts = 0
  /** How the last process ended; null before the first death. */
  lastDeath: ReplicaDeath | null = null

  constructor(index: number, isWanted: boolean, surroundings: SlotSurroundings) {
    this.index = index
    this.#isWanted = isWanted
    this.#surroundings = surroundings
  }

  get replica(): ConnectedReplica | null {
    return this.#replica
  }

  get process(): Readonly<ReplicaProcess> | null {
    return this.#process
  }

  /** Takes a process of an earlier control as this replica's; it has `patienceMs` to dial. */
  adopt(file: ReplicaFile, patienceMs: number): void {
    this.#process = adoptProcess(file, this.#surroundings.clock.monotonic(), patienceMs)
    this.settle()
  }

  /** Why a caller is not the process of this replica; '' when it is. */
  judge(hello: Hello): string {
    const own = this.#process
    if (own === null || own.hasEnded) return 'no such replica is wanted'
    if (Number(hello.incarnation) !== own.incarnation) return 'another process has its place'
    const { identity } = own
    if (identity !== null && hello.pid !== identity.pid) return 'another process has its place'
    return ''
  }

  /** Takes a judged caller's link. A link that it had before is closed. */
  connect(hello: Hello, link: ControlLink, bootId: string): ConnectedReplica {
    const { clock } = this.#surroundings
    const own = this.#process!
    const { pid, startTime } = hello
    if (own.identity === null) {
      own.identity = { pid, startTime, bootId }
      this.#writeFile(own)
    }
    own.connectedAtMs ??= clock.monotonic()
    const former = this.#replica
    const { incarnation } = own
    const connectedAtMs = clock.monotonic()
    this.#replica = { index: this.index, pid, incarnation, hello, link, connectedAtMs }
    former?.link.close()
    // It was asked to end while its link was down.
    if (own.endByMs !== null) this.#tellDrain(own.endByMs - connectedAtMs)
    this.settle()
    return this.#replica
  }

  /** Its link has closed: it died, or it dials again. */
  disconnect(link: ControlLink): void {
    if (this.#replica?.link !== link) return
    this.#replica = null
    if (this.#process !== null) {
      this.#process.connectByMs = this.#surroundings.clock.monotonic() + HELLO_MS_MAX
    }
    this.settle()
  }

  /**
   * Has the present process end, within `graceMs` or by SIGKILL. With `isPlanned` its successor
   * starts at once; else it counts as a death.
   */
  end(graceMs: number, reason: string, isPlanned: boolean): void {
    const own = this.#process
    if (own === null) return
    const { clock, logger } = this.#surroundings
    logger.info({ event: 'replica_end', replica: this.index, reason, graceMs }, 'replica must end')
    const endByMs = clock.monotonic() + (graceMs === 0 ? 0 : graceMs + EXIT_MS)
    own.endByMs = Math.min(own.endByMs ?? endByMs, endByMs)
    own.isEndPlanned = isPlanned
    if (graceMs > 0) this.#tellDrain(graceMs)
    this.settle()
  }

  /** No process is started from now on. */
  retire(): void {
    this.#isWanted = false
    this.settle()
  }

  /** Leaves the process alone and does nothing any more. */
  abandon(): void {
    this.#isWanted = false
    this.#process = null
    this.#replica = null
    this.settle()
  }

  /** Resolves when the process of now has ended, or when it is connected, if `orConnected`. */
  async whenEnded(orConnected = false): Promise<void> {
    const own = this.#process
    while (own !== null && this.#process === own && !(orConnected && this.#replica !== null)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** Does what is to be done now, and sets a timer for what is to be done later. */
  settle(): void {
    this.#cancelTimer()
    const { clock } = this.#surroundings
    let decision = decide(this.#look(), clock.monotonic())
    for (; decision.action !== 'wait'; decision = decide(this.#look(), clock.monotonic())) {
      if (decision.action === 'start') this.#start()
      else if (decision.action === 'bury') this.#bury()
      else this.#kill(decision.reason)
    }
    if (decision.untilMs !== null) {
      const delayMs = decision.untilMs - clock.monotonic()
      this.#cancelTimer = clock.setTimer(delayMs, () => this.settle())
    }
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  #look(): ReplicaFacts {
    const own = this.#process
    const isConnected = this.#replica !== null
    if (own !== null && !own.isChild && own.identity !== null && !own.hasEnded) {
      // A link that is open and was not asked to close is proof enough of life.
      if (!isConnected || own.endByMs !== null) own.hasEnded = !isAlive(own.identity)
    }
    const { connectByMs = 0, endByMs = null, hasEnded = false, isChild = false } = own ?? {}
    return {
      isWanted: this.#isWanted,
      startAtMs: this.#startAtMs,
      process: own && { connectByMs, endByMs, hasEnded, isChild, isConnected },
    }
  }

  #start(): void {
    const { clock, logger, stateDir, settingsFor, entry } = this.#surroundings
    const nowMs = clock.monotonic()
    try {
      const incarnation = stateDir.raiseIncarnation()
      const settings = settingsFor(this.index, incarnation)
      const file = { replica: this.index, incarnation, settings, identity: null }
      writeReplicaFile(stateDir.runPath, file)
      const { logsPath } = stateDir
      const onEnd = () => this.settle()
      const patienceMs = HELLO_MS_MAX
      const own = spawnReplica({ entry, settings, logsPath, nowMs, patienceMs, onEnd })
      this.#process = own
      this.#writeFile(own)
      if (this.lastDeath !== null) this.restarts++
      const pid = own.identity?.pid
      logger.info({ event: 'replica_started', replica: this.index, pid, incarnation })
    } catch (error) {
      // A full disk, or no more processes: both may pass, and replicas that run are unharmed.
      this.#deaths = countDeath(this.#deaths, 0)
      this.#startAtMs = nowMs + restartDelayMs(this.#deaths)
      logger.error({ event: 'replica_not_started', replica: this.index, error })
    }
  }

  /** Notes the process down for the next control. */
  #writeFile({ incarnation, settings, identity }: ReplicaProcess): void {
    const { stateDir, logger } = this.#surroundings
    try {
      writeReplicaFile(stateDir.runPath, { replica: this.index, incarnation, settings, identity })
    } catch (error) {
      logger.warn({ event: 'replica_not_noted', replica: this.index, error })
    }
  }

  #tellDrain(graceMs: number): void {
    const own = this.#process
    if (own === null) return
    if (this.#replica === null) {
      signalReplica(own, 'SIGTERM')
      return
    }
    const value = create(DrainSchema, { deadlineMs: Math.max(0, Math.round(graceMs)) })
    this.#replica.link.tell({ case: 'drain', value })
  }

  #kill(reason: string): void {
    const own = this.#process!
    const { clock, logger } = this.#surroundings
    if (own.endByMs === null || !own.isEndPlanned) {
      logger.warn({ event: 'replica_killed', replica: this.index, pid: own.identity?.pid, reason })
    }
    // One that was never written down with a pid and has not dialled was never started.
    if (own.identity === null) own.hasEnded = true
    signalReplica(own, 'SIGKILL')
    own.endByMs = clock.monotonic() + KILL_AGAIN_MS
  }

  /** Takes leave of a process that has ended and plans the next. */
  #bury(): void {
    const { clock, logger, stateDir, onDied } = this.#surroundings
    const own = this.#process!
    const nowMs = clock.monotonic()
    const healthyMs = own.connectedAtMs === null ? 0 : nowMs - own.connectedAtMs
    if (!own.isEndPlanned) this.#deaths = countDeath(this.#deaths, healthyMs)
    this.#startAtMs = own.isEndPlanned ? nowMs : nowMs + restartDelayMs(this.#deaths)
    if (own.isFatal) this.#isWanted = false
    this.#process = null
    this.#replica?.link.close()
    this.#replica = null
    removeReplicaFile(stateDir.runPath, this.index)
    const { incarnation, ending, identity, isFatal } = own
    const pid = identity?.pid ?? 0
    this.lastDeath = { index: this.index, pid, incarnation, detail: ending, isFatal }
    const level = own.isEndPlanned ? 'info' : isFatal ? 'error' : 'warn'
    const inMs = this.#isWanted ? Math.round(this.#startAtMs - nowMs) : null
    logger[level]({ event: 'replica_died', replica: this.index, pid, ending, nextStartInMs: inMs })
    onDied(this.lastDeath)
  }
}
