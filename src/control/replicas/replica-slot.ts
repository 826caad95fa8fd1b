/**
 * One place for a replica: starts its process, waits for its Hello, sees its death and starts the
 * next. For a while there may be several processes: one that drains beside its successor, or an
 * outdated one that stays until its successor serves. After every event `settle` asks `decide` what
 * to do; nothing else acts on a process.
 */

import type { Hello } from '../../../proto/gen/control_pb.ts'
import type { Clock } from '../../shared/clock.ts'
import type { ReplicaSettings } from '../../shared/epoch-plan.ts'
import type { Logger } from '../../shared/logger.ts'
import { isAlive } from '../../shared/process-identity.ts'
import type { StateDir } from '../state/state-dir.ts'
import { Backoff } from './backoff.ts'
import type { ConnectedReplica, ReplicaDeath } from './connected-replica.ts'
import { decide, KILL_AGAIN_MS, limitAfter, type PlaceFacts } from './replica-decision.ts'
import { placeOf, type ReplicaFile, removeReplicaFile, writeReplicaFile } from './replica-files.ts'
import {
  adoptProcess,
  type ReplicaProcess,
  signalReplica,
  spawnReplica,
  startFault,
  tellDrain,
} from './replica-process.ts'
import type { ControlLink } from './socket-server.ts'

/** From start, or from the loss of its link, to Hello. */
const HELLO_MS_MAX = 10_000
/** What a drained replica may need to end after its requests have ended. */
const EXIT_MS = 1000

export interface SlotSurroundings {
  readonly stateDir: StateDir
  readonly entry: string
  readonly clock: Clock
  readonly logger: Logger
  readonly cores: number
  settingsFor(index: number, incarnation: number): ReplicaSettings
  /** Whether a replica answers requests. */
  isServing(replica: ConnectedReplica): boolean
  onDied(death: ReplicaDeath, process: Readonly<ReplicaProcess>): void
}

export class ReplicaSlot {
  readonly index: number
  readonly #surroundings: SlotSurroundings
  #isWanted: boolean
  /** In the order of their incarnations. */
  #processes: ReplicaProcess[] = []
  #outdatedUpTo = 0
  #hasHadProcess = false
  readonly #backoff = new Backoff()
  #cancelTimer = () => {}
  #waiting: (() => void)[] = []
  /** Processes that followed another one under this control. */
  restarts = 0
  /** How the last process ended, or why none could be started; null before either. */
  lastDeath: ReplicaDeath | null = null

  constructor(index: number, isWanted: boolean, surroundings: SlotSurroundings) {
    this.index = index
    this.#isWanted = isWanted
    this.#surroundings = surroundings
  }

  get processes(): readonly Readonly<ReplicaProcess>[] {
    return this.#processes
  }

  /** Takes a process of an earlier control as this replica's; it has `patienceMs` to dial. */
  adopt(file: ReplicaFile, patienceMs: number): void {
    const adopted = adoptProcess(file, this.#surroundings.clock.monotonic(), patienceMs)
    this.#processes.push(adopted)
    this.#hasHadProcess = true
  }

  /** Why a caller is no process of this replica; '' when it is. */
  judge({ incarnation, pid }: Hello): string {
    const own = this.#find(Number(incarnation))
    if (own === undefined || own.hasEnded) return 'another process has its place'
    const isOther = own.identity !== null && own.identity.pid !== pid
    return isOther ? 'another process has its place' : ''
  }

  /** Takes a judged caller's link. A link that it had before is closed. */
  connect(hello: Hello, link: ControlLink, bootId: string): ConnectedReplica {
    const { clock } = this.#surroundings
    const own = this.#find(Number(hello.incarnation))!
    const { pid, startTime } = hello
    const nowMs = clock.monotonic()
    own.settingsSha256 = hello.settingsSha256
    own.hasServed ||= hello.epoch > 0n
    if (own.identity === null) {
      own.identity = { pid, startTime, bootId }
      this.#writeFile(own)
    }
    own.connectedAtMs ??= nowMs
    const former = own.replica
    const replica: ConnectedReplica = {
      ...{ index: this.index, pid, incarnation: own.incarnation, hello, link },
      get isLeaving() {
        return own.endByMs !== null
      },
    }
    own.replica = replica
    former?.link.close()
    // It was asked to end while its link was down.
    if (own.endByMs !== null) tellDrain(own, own.endByMs - nowMs)
    this.settle()
    return replica
  }

  /** Its link has closed: it died, or it dials again. */
  disconnect(link: ControlLink): void {
    const own = this.#processes.find(({ replica }) => replica?.link === link)
    if (own === undefined) return
    this.#noteServing(own)
    own.replica = null
    own.connectByMs = this.#surroundings.clock.monotonic() + HELLO_MS_MAX
    this.settle()
  }

  /**
   * Has a process end, within `graceMs` or by SIGKILL. Unless `isPlanned` it counts as a death, and
   * its successor waits as after one.
   */
  end(incarnation: number, graceMs: number, reason: string, isPlanned: boolean): void {
    const own = this.#find(incarnation)
    if (own === undefined) return
    const event = { event: 'replica_end', replica: this.index, incarnation, reason, graceMs }
    this.#surroundings.logger.info(event, 'replica must end')
    this.#leave(own, graceMs === 0 ? 0 : graceMs + EXIT_MS, isPlanned)
    if (graceMs > 0) tellDrain(own, graceMs)
    this.settle()
  }

  /** It ends by itself: somebody sent it SIGTERM, or it was refused. What served is no trouble. */
  seeLeaving(incarnation: number): void {
    const own = this.#find(incarnation)
    if (own === undefined) return
    this.#noteServing(own)
    const { drainMsMax } = this.#surroundings.settingsFor(this.index, incarnation)
    this.#leave(own, drainMsMax + EXIT_MS, own.hasServed)
    this.settle()
  }

  /** Has a successor start beside the processes up to an incarnation; 0: they are good enough. */
  outdate(upTo: number): void {
    this.#outdatedUpTo = upTo
    this.settle()
  }

  /** No process is started from now on. */
  retire(): void {
    this.#isWanted = false
    this.settle()
  }

  /** Resolves as soon as a condition on this replica holds. */
  async when(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Does what is to be done now, and sets a timer for what is to be done later. */
  settle(): void {
    this.#cancelTimer()
    const { clock } = this.#surroundings
    let decision = decide(this.#look(), clock.monotonic())
    for (; decision.action !== 'wait'; decision = decide(this.#look(), clock.monotonic())) {
      if (decision.action === 'start') this.#start()
      else if (decision.action === 'bury') this.#bury(this.#find(decision.incarnation)!)
      else this.#kill(this.#find(decision.incarnation)!, decision.reason)
    }
    if (decision.untilMs !== null) this.#settleAt(decision.untilMs)
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  #settleAt(dueMs: number): void {
    const { clock } = this.#surroundings
    this.#cancelTimer = clock.setTimer(dueMs - clock.monotonic(), () => {
      const nowMs = clock.monotonic()
      for (const own of this.#processes) {
        own.connectByMs = limitAfter(own.connectByMs, dueMs, nowMs)
        if (own.endByMs !== null) own.endByMs = limitAfter(own.endByMs, dueMs, nowMs)
      }
      this.settle()
    })
  }

  #find(incarnation: number): ReplicaProcess | undefined {
    return this.#processes.find((own) => own.incarnation === incarnation)
  }

  #look(): PlaceFacts {
    for (const own of this.#processes) {
      if (own.isChild || own.identity === null || own.hasEnded) continue
      // A link that is open and was not asked to close is proof enough of life.
      if (own.replica === null || own.endByMs !== null) own.hasEnded = !isAlive(own.identity)
    }
    return {
      isWanted: this.#isWanted,
      startAtMs: this.#backoff.startAtMs,
      outdatedUpTo: this.#outdatedUpTo,
      processes: this.#processes.map((own) => ({ ...own, isConnected: own.replica !== null })),
    }
  }

  #start(): void {
    const { clock, logger, stateDir, settingsFor, entry, cores } = this.#surroundings
    const { index } = this
    const { runPath, logsPath } = stateDir
    const nowMs = clock.monotonic()
    let incarnation = 0
    try {
      incarnation = stateDir.raiseIncarnation()
      const settings = settingsFor(index, incarnation)
      const file = { replica: index, incarnation, ...placeOf(settings) }
      writeReplicaFile(runPath, { ...file, identity: null })
      const limits = { nowMs, patienceMs: HELLO_MS_MAX, onEnd: () => this.settle() }
      const own = spawnReplica({ entry, settings, cores, logsPath, ...limits })
      this.#processes.push(own)
      this.#writeFile(own)
      if (this.#hasHadProcess) this.restarts++
      this.#hasHadProcess = true
      logger.info({ event: 'replica_started', replica: index, pid: own.identity?.pid, incarnation })
    } catch (error) {
      // A full disk, or no more processes: both may pass, and replicas that run are unharmed.
      removeReplicaFile(runPath, { replica: index, incarnation })
      this.#backoff.noteEnd(false, 0, nowMs)
      const detail = startFault(error)
      this.lastDeath = { index, pid: 0, incarnation, detail, isFatal: false, isAdopted: false }
      logger.error({ event: 'replica_not_started', replica: index, error })
    }
  }

  /** Notes the process down for the next control. */
  #writeFile({ incarnation, place, identity }: ReplicaProcess): void {
    const { stateDir, logger } = this.#surroundings
    const file = { replica: this.index, incarnation, ...place, identity }
    try {
      writeReplicaFile(stateDir.runPath, file)
    } catch (error) {
      logger.warn({ event: 'replica_not_noted', replica: this.index, error })
    }
  }

  #noteServing(own: ReplicaProcess): void {
    own.hasServed ||= own.replica !== null && this.#surroundings.isServing(own.replica)
  }

  /** From now on it may not stay, and its successor is due. */
  #leave(own: ReplicaProcess, graceMs: number, isPlanned: boolean): void {
    const endByMs = this.#surroundings.clock.monotonic() + graceMs
    own.endByMs = Math.min(own.endByMs ?? endByMs, endByMs)
    this.#planSuccessor(own, isPlanned)
  }

  #planSuccessor(own: ReplicaProcess, isPlanned: boolean): void {
    if (own.isSucceeded) return
    own.isSucceeded = true
    own.isEndPlanned = isPlanned
    const nowMs = this.#surroundings.clock.monotonic()
    this.#backoff.noteEnd(isPlanned, nowMs - (own.connectedAtMs ?? nowMs), nowMs)
  }

  #kill(own: ReplicaProcess, reason: string): void {
    const event = { event: 'replica_killed', replica: this.index, pid: own.identity?.pid, reason }
    if (!own.isEndPlanned) this.#surroundings.logger.warn(event)
    this.#leave(own, 0, false)
    // One that was never written down with a pid and has not dialled was never started.
    if (own.identity === null) own.hasEnded = true
    signalReplica(own, 'SIGKILL')
    own.endByMs = this.#surroundings.clock.monotonic() + KILL_AGAIN_MS
  }

  /** Takes leave of a process that has ended. */
  #bury(own: ReplicaProcess): void {
    const { clock, logger, stateDir, onDied } = this.#surroundings
    this.#planSuccessor(own, false)
    this.#processes = this.#processes.filter((other) => other !== own)
    const { replica, incarnation, ending: detail, isFatal, isEndPlanned } = own
    this.#noteServing(own)
    own.replica = null
    replica?.link.close()
    const { index } = this
    const pid = own.identity?.pid ?? 0
    this.lastDeath = { index, pid, incarnation, detail, isFatal, isAdopted: !own.isChild }
    const level = isEndPlanned ? 'info' : isFatal ? 'error' : 'warn'
    const waitMs = Math.max(0, Math.round(this.#backoff.startAtMs - clock.monotonic()))
    const nextStartInMs = this.#isWanted ? waitMs : null
    const event = { event: 'replica_died', replica: index, pid, ending: detail, nextStartInMs }
    logger[level](event, 'a replica has ended')
    onDied(this.lastDeath, own)
    // Last: who comes after a death of control in between shall know that one is missing.
    removeReplicaFile(stateDir.runPath, { replica: index, incarnation })
  }
}
