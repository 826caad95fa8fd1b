/**
 * Keeps the wanted number of replicas running: adopts those of an earlier control, starts what is
 * missing, replaces what has died, hangs or is outdated, and drains all at the end. One slot an
 * index; what a slot does is decided in replica-decision.ts.
 */

import { availableParallelism } from 'node:os'
import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../../proto/control-envelope.ts'
import {
  DrainedSchema,
  type ForwardedAnswer,
  type ForwardedCall,
  type Hello,
  type Report,
  type Statistics,
  type Traces,
} from '../../../proto/gen/control_pb.ts'
import { type Clock, every } from '../../shared/clock.ts'
import type { ReplicaSettings } from '../../shared/epoch-plan.ts'
import type { Logger } from '../../shared/logger.ts'
import { ownIdentity } from '../../shared/process-identity.ts'
import { entryPath } from '../../shared/threads.ts'
import type { StateDir } from '../state/state-dir.ts'
import type { ConnectedReplica, ReplicaDeath } from './connected-replica.ts'
import { readReplicaFiles, removeReplicaFile } from './replica-files.ts'
import { rotateReplicaLog } from './replica-log.ts'
import type { ReplicaProcess } from './replica-process.ts'
import { ReplicaSlot } from './replica-slot.ts'
import { type ReplicaState, replicaStateOf } from './replica-state.ts'
import { ReplicaSuccession } from './replica-succession.ts'
import { type RestartStatus, RollingRestart } from './rolling-restart.ts'
import { type ControlLink, SocketServer } from './socket-server.ts'

/** Replicas dial every 200 ms; one that has not within this time hangs. */
const ADOPTION_MS = 2000
const ROTATION_LOOK_MS = 60_000

export interface SupervisorHandlers {
  /** A replica said Hello: for the first time, or again after its link had closed. */
  onConnected(replica: ConnectedReplica): void
  /** A replica process has ended, whether that was wanted or not, or while no control ran. */
  onDied(death: ReplicaDeath): void
  /** The last figures of a replica that is about to end in order. */
  onDrained?(replica: ConnectedReplica, final: Statistics): void
  onReport?(replica: ConnectedReplica, report: Report): void
  onTraces?(replica: ConnectedReplica, traces: Traces): void
  /** A client of a replica asks; must not reject. Absent: nobody answers. */
  onCall?(call: ForwardedCall): Promise<ForwardedAnswer>
  /** Nobody can listen as the settings say, and nobody ever could under this control. */
  onAllFatal?(reason: string): void
  /** Whether a replica answers requests. Absent: as soon as it is connected. */
  isServing?(replica: ConnectedReplica): boolean
  /** The longest that a new replica may take to prepare what is served, in ms. Absent: 0. */
  prepareMsMax?(): number
}

export interface SupervisorOptions {
  readonly stateDir: StateDir
  /** How many; their indices are 0 to `replicas` - 1. */
  readonly replicas: number
  readonly clock: Clock
  readonly logger: Logger
  readonly handlers: SupervisorHandlers
  /** Entry file of a replica. */
  readonly entry?: string
  /** Settings of a replica. Only `replica` and `incarnation` may differ between calls. */
  settingsFor(index: number, incarnation: number): ReplicaSettings
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #slots = new Map<number, ReplicaSlot>()
  readonly #server: SocketServer
  readonly #bootId = ownIdentity().bootId
  #cancelRotation = () => {}
  #isStopping = false
  /** A replica with the wanted settings has answered requests. */
  #hasServed = false
  readonly #succession: ReplicaSuccession
  readonly #restarts: RollingRestart

  constructor(options: SupervisorOptions) {
    this.#options = options
    const { stateDir, clock, logger, replicas } = options
    this.#server = new SocketServer(stateDir.socketPath, clock, logger, {
      judge: (hello) => this.#slots.get(hello.replica)?.judge(hello) ?? 'no such replica is wanted',
      onAccepted: (hello, link) => this.#onAccepted(hello, link),
      onRefused: (hello) => this.#onRefused(hello),
      onMessage: (link, body, answer) => this.#onMessage(link, body, answer),
      onClosed: (link) => {
        for (const slot of this.#slots.values()) slot.disconnect(link)
      },
    })
    const isServing = (replica: ConnectedReplica) => this.#isServing(replica)
    const prepareMsMax = () => options.handlers.prepareMsMax?.() ?? 0
    this.#succession = new ReplicaSuccession({ ...options, isServing, prepareMsMax })
    const succession = this.#succession
    const slots = () => this.#wanted()
    this.#restarts = new RollingRestart({ clock, logger, succession, slots })
    for (let index = 0; index < replicas; index++) this.#slots.set(index, this.#makeSlot(index))
  }

  /**
   * Listens, adopts living replicas (they have 2 s to dial) and starts the missing ones. Resolves
   * when it is known which are adopted; the started ones connect later. Replicas with other
   * settings than wanted, or of another release, are then replaced, one at a time; surplus ones are
   * drained.
   *
   * @throws (rejects) GatewayError STATE_DIR_LOCKED, STATE_TOO_NEW
   */
  async start(): Promise<void> {
    const { stateDir, clock, handlers } = this.#options
    await this.#server.listen()
    // Only now is it certain that nobody else uses the folder.
    stateDir.removeUnfinished()
    const { living, dead } = readReplicaFiles(stateDir.runPath)
    for (const { replica: index, incarnation } of dead) {
      const detail = 'ended while no control ran'
      handlers.onDied({ index, pid: 0, incarnation, detail, isFatal: false, isAdopted: true })
    }
    for (const file of living) {
      const slot = this.#slots.get(file.replica) ?? this.#makeSlot(file.replica)
      this.#slots.set(file.replica, slot)
      slot.adopt(file, ADOPTION_MS)
    }
    const slots = [...this.#slots.values()]
    for (const slot of slots) slot.settle()
    this.#cancelRotation = every(clock, ROTATION_LOOK_MS, () => this.#rotateLogs())
    const isKnown = ({ isChild, replica }: ReplicaProcess) => isChild || replica !== null
    await Promise.all(slots.map((slot) => slot.when(() => slot.processes.every(isKnown))))
    // Those that live know of the dead now; before, these files were all that told of them.
    for (const name of dead) removeReplicaFile(stateDir.runPath, name)
    const wanted = this.#wanted()
    for (const slot of slots.filter((each) => !wanted.includes(each))) {
      endAll(slot, this.#options.settingsFor(slot.index, 0).drainMsMax, 'surplus')
    }
    void this.#succession.replaceOutdated(wanted)
  }

  #wanted(): ReplicaSlot[] {
    return [...this.#slots.values()].filter(({ index }) => index < this.#options.replicas)
  }

  /** Every replica whose link is open, by index; also those that are about to end. */
  linked(): ConnectedReplica[] {
    const slots = [...this.#slots.values()]
    return slots.flatMap(({ processes }) => processes.flatMap(({ replica }) => replica ?? []))
  }

  /** Replicas whose link is open and that may serve on, by index. */
  connected(): ConnectedReplica[] {
    return this.linked().filter(({ isLeaving }) => !isLeaving)
  }

  /** What is known of every replica, by index. */
  states(): ReplicaState[] {
    const isServing = (replica: ConnectedReplica) => this.#isServing(replica)
    return [...this.#slots.values()].map((slot) => replicaStateOf(slot, isServing))
  }

  /**
   * Replaces all replicas, one after the other, each by one that serves before the old one drains;
   * joins a restart that is under way.
   */
  restart(): RestartStatus {
    return this.#restarts.begin()
  }

  /**
   * Replaces one process by one that serves before it drains.
   *
   * @returns (resolves with) why not, as a sentence; null when it was
   */
  async recycle(index: number, incarnation: number): Promise<string | null> {
    const slot = this.#slots.get(index)
    return slot === undefined ? null : this.#succession.replaceOlder([slot], incarnation, () => {})
  }

  /** The last restart that was asked for; null before the first. */
  get lastRestart(): RestartStatus | null {
    return this.#restarts.status
  }

  /** What an operator should know, in sentences. */
  warnings(): string[] {
    return this.#succession.warnings([...this.#slots.values()])
  }

  /**
   * Replaces a replica process. It counts as a death, so that a reason that stays does not end in a
   * hot loop. By SIGKILL: whoever is replaced no longer answers.
   */
  replace(
    { index, incarnation }: Pick<ConnectedReplica, 'index' | 'incarnation'>,
    reason: string,
  ): void {
    this.#slots.get(index)?.end(incarnation, 0, reason, false)
  }

  /**
   * Ends all replicas: each finishes its requests for at most `drainMsMax`, then is killed.
   * Resolves when none is left and the socket is closed.
   */
  async drainAll(drainMsMax: number): Promise<void> {
    this.#isStopping = true
    this.#cancelRotation()
    this.#succession.stop()
    const slots = [...this.#slots.values()]
    for (const slot of slots) {
      slot.retire()
      endAll(slot, drainMsMax, 'the gateway stops')
    }
    await Promise.all(slots.map((slot) => slot.when(() => slot.processes.length === 0)))
    await this.#server.close()
  }

  #makeSlot(index: number): ReplicaSlot {
    const { stateDir, clock, logger, settingsFor, replicas } = this.#options
    const { entry = entryPath('server/replica.ts') } = this.#options
    return new ReplicaSlot(index, index < replicas, {
      ...{ stateDir, entry, clock, logger, settingsFor },
      cores: Math.floor(availableParallelism() / replicas),
      isServing: (replica) => this.#isServing(replica),
      onDied: (death, own) => this.#onDied(death, own),
    })
  }

  #isServing(replica: ConnectedReplica): boolean {
    return this.#options.handlers.isServing?.(replica) ?? true
  }

  #onAccepted(hello: Hello, link: ControlLink): void {
    const replica = this.#slots.get(hello.replica)?.connect(hello, link, this.#bootId)
    if (replica !== undefined) this.#options.handlers.onConnected(replica)
  }

  /** One of ours that speaks another protocol drains; a stranger is no business of a slot. */
  #onRefused({ replica, pid, incarnation }: Hello): void {
    const slot = this.#slots.get(replica)
    const own = slot?.processes.find((each) => each.incarnation === Number(incarnation))
    if (own?.identity?.pid === pid) slot?.seeLeaving(own.incarnation)
  }

  #onMessage(link: ControlLink, body: EnvelopeBody, answer: (body: EnvelopeBody) => void): void {
    const { handlers, logger } = this.#options
    const replica = this.linked().find((one) => one.link === link)
    if (replica === undefined) return
    const { index, incarnation } = replica
    if (body.case === 'drained') {
      if (body.value.final !== undefined) handlers.onDrained?.(replica, body.value.final)
      answer({ case: 'drained', value: create(DrainedSchema) })
    }
    if (body.case === 'forwardedCall') {
      void handlers.onCall?.(body.value).then((value) => answer({ case: 'forwardedAnswer', value }))
    }
    if (body.case === 'traces') handlers.onTraces?.(replica, body.value)
    if (body.case !== 'report') return
    const { event, detail, unload } = body.value
    const level = unload === undefined ? 'warn' : 'info'
    const memory = unload && { before: unload.rssBeforeBytes, after: unload.rssAfterBytes }
    logger[level]({ event, detail, replica: index, ...memory }, 'a replica reports')
    if (event === 'draining') this.#slots.get(index)?.seeLeaving(incarnation)
    handlers.onReport?.(replica, body.value)
  }

  #onDied(death: ReplicaDeath, own: Readonly<ReplicaProcess>): void {
    const { handlers, replicas } = this.#options
    const { index } = death
    this.#hasServed ||= own.hasServed && this.#succession.isCurrent(index, own)
    handlers.onDied(death)
    if (index >= replicas && this.#slots.get(index)?.processes.length === 0) {
      this.#slots.delete(index)
    }
    if (this.#isStopping || this.#hasServed || !death.isFatal) return
    // A passing reason may be behind it once somebody has listened: then it is tried again.
    const isHopeless = [...this.#slots.values()].every(
      ({ lastDeath, processes }) =>
        lastDeath?.isFatal === true && !processes.some(({ hasServed }) => hasServed),
    )
    const isServed = this.connected().some((replica) => this.#isServing(replica))
    if (isHopeless && !isServed) handlers.onAllFatal?.(death.detail)
  }

  #rotateLogs(): void {
    const { stateDir, logger } = this.#options
    for (const index of this.#slots.keys()) {
      try {
        rotateReplicaLog(stateDir.logsPath, index)
      } catch (error) {
        logger.warn({ event: 'log_not_rotated', replica: index, error })
      }
    }
  }
}

const endAll = (slot: ReplicaSlot, graceMs: number, reason: string): void => {
  for (const { incarnation } of slot.processes) slot.end(incarnation, graceMs, reason, true)
}
