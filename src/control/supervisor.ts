/**
 * Keeps the wanted number of replicas running: adopts those of an earlier control, starts what is
 * missing, replaces what has died or hangs, and drains all at the end. One slot an index; what a
 * slot does is decided in replica-decision.ts.
 */

import type { EnvelopeBody } from '../../proto/control-envelope.ts'
import type { Hello, Report } from '../../proto/gen/control_pb.ts'
import { type Clock, delay, every } from '../shared/clock.ts'
import type { ReplicaSettings } from '../shared/epoch-plan.ts'
import type { Logger } from '../shared/logger.ts'
import { ownIdentity } from '../shared/process-identity.ts'
import { settingsSha256 } from '../shared/replica-settings.ts'
import { entryPath } from '../shared/threads.ts'
import type { ConnectedReplica, ReplicaDeath } from './connected-replica.ts'
import { findLivingReplicas } from './replica-files.ts'
import { rotateReplicaLog } from './replica-log.ts'
import { ReplicaSlot } from './replica-slot.ts'
import { type ControlLink, SocketServer } from './socket-server.ts'
import type { StateDir } from './state-dir.ts'

export type { ConnectedReplica }

/** Replicas dial every 200 ms; one that has not within this time hangs. */
const ADOPTION_MS = 2000
const ROTATION_LOOK_MS = 60_000
/** Longest wait for a successor to serve before the next replica with old settings is drained. */
const SUCCESSOR_MS_MAX = 60_000
const SUCCESSOR_LOOK_MS = 50

export interface SupervisorHandlers {
  /** A replica said Hello: for the first time, or again after its link had closed. */
  onConnected(replica: ConnectedReplica): void
  /** A replica process has ended, whether that was wanted or not. */
  onDied(death: ReplicaDeath): void
  onReport?(replica: ConnectedReplica, report: Report): void
  /** Whether a replica answers requests; while settings change, the next one's end waits for it. */
  isServing?(replica: ConnectedReplica): boolean
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

/** What is known of one replica, connected or not. */
export interface ReplicaState {
  readonly index: number
  /** 0 when no process runs. */
  readonly pid: number
  readonly state: 'starting' | 'connected' | 'draining' | 'dead'
  readonly restarts: number
  /** Monotonic start or adoption of the process under this control; null when none runs. */
  readonly startedAtMs: number | null
  readonly lastDeath: ReplicaDeath | null
}

const stateOf = ({ process, replica }: ReplicaSlot): ReplicaState['state'] => {
  if (process === null) return 'dead'
  if (process.endByMs !== null) return 'draining'
  return replica === null ? 'starting' : 'connected'
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #slots = new Map<number, ReplicaSlot>()
  readonly #server: SocketServer
  readonly #bootId = ownIdentity().bootId
  #cancelRotation = () => {}
  #isStopping = false

  constructor(options: SupervisorOptions) {
    this.#options = options
    const { stateDir, clock, logger, replicas } = options
    this.#server = new SocketServer(stateDir.socketPath, clock, logger, {
      judge: (hello) => this.#judge(hello),
      onAccepted: (hello, link) => this.#onAccepted(hello, link),
      onMessage: (link, body) => this.#onMessage(link, body),
      onClosed: (link) => {
        for (const slot of this.#slots.values()) slot.disconnect(link)
      },
    })
    for (let index = 0; index < replicas; index++) this.#slots.set(index, this.#makeSlot(index))
  }

  /**
   * Listens, adopts living replicas (they have 2 s to dial) and starts the missing ones. Resolves
   * when it is known which are adopted; the started ones connect later. Replicas with other
   * settings than wanted are then drained and replaced, one at a time; surplus ones are drained.
   *
   * @throws (rejects) GatewayError STATE_DIR_LOCKED, STATE_TOO_NEW
   */
  async start(): Promise<void> {
    const { stateDir, clock } = this.#options
    await this.#server.listen()
    const found = findLivingReplicas(stateDir.runPath)
    for (const file of found) {
      const slot = this.#slots.get(file.replica) ?? this.#makeSlot(file.replica)
      this.#slots.set(file.replica, slot)
      slot.adopt(file, ADOPTION_MS)
    }
    for (const slot of this.#slots.values()) slot.settle()
    this.#cancelRotation = every(clock, ROTATION_LOOK_MS, () => this.#rotateLogs())
    const adopted = found.map(({ replica }) => this.#slots.get(replica)!)
    await Promise.all(adopted.map((slot) => slot.whenEnded(true)))
    void this.#replaceOutdated(adopted)
  }

  /** Replicas whose link is open, by index. */
  connected(): ConnectedReplica[] {
    return [...this.#slots.values()].flatMap(({ replica }) => (replica === null ? [] : [replica]))
  }

  /** What is known of every replica, by index. */
  states(): ReplicaState[] {
    return [...this.#slots.values()].map((slot) => ({
      index: slot.index,
      pid: slot.process?.identity?.pid ?? 0,
      state: stateOf(slot),
      restarts: slot.restarts,
      startedAtMs: slot.process?.startedAtMs ?? null,
      lastDeath: slot.lastDeath,
    }))
  }

  /** How many processes of a replica followed another one under this control. */
  restarts(index: number): number {
    return this.#slots.get(index)?.restarts ?? 0
  }

  /**
   * Replaces the process of a replica. It counts as a death, so that a reason that stays does not
   * end in a hot loop.
   *
   * @param graceMs 0, for one that is silent: SIGKILL at once; else it is drained for so long first
   */
  replace(index: number, reason: string, graceMs = 0): void {
    this.#slots.get(index)?.end(graceMs, reason, false)
  }

  /**
   * Ends all replicas: each finishes its requests for at most `drainMsMax`, then is killed.
   * Resolves when none is left and the socket is closed.
   */
  async drainAll(drainMsMax: number): Promise<void> {
    this.#isStopping = true
    this.#cancelRotation()
    const slots = [...this.#slots.values()]
    for (const slot of slots) {
      slot.retire()
      slot.end(drainMsMax, 'the gateway stops', true)
    }
    await Promise.all(slots.map((slot) => slot.whenEnded()))
    await this.#server.close()
  }

  /** Leaves the replicas running for the next control and closes the socket. */
  async abandonAll(): Promise<void> {
    this.#isStopping = true
    this.#cancelRotation()
    for (const slot of this.#slots.values()) slot.abandon()
    await this.#server.close()
  }

  #makeSlot(index: number): ReplicaSlot {
    const { stateDir, clock, logger, handlers, settingsFor, replicas } = this.#options
    const { entry = entryPath('server/replica.ts') } = this.#options
    const onDied = (death: ReplicaDeath) => {
      handlers.onDied(death)
      const slot = this.#slots.get(index)
      if (index >= replicas && slot?.process === null) this.#slots.delete(index)
    }
    const surroundings = { stateDir, entry, clock, logger, settingsFor, onDied }
    return new ReplicaSlot(index, index < replicas, surroundings)
  }

  #judge(hello: Hello): string {
    return this.#slots.get(hello.replica)?.judge(hello) ?? 'no such replica is wanted'
  }

  #onAccepted(hello: Hello, link: ControlLink): void {
    const slot = this.#slots.get(hello.replica)
    const replica = slot?.connect(hello, link, this.#bootId)
    if (replica !== undefined) this.#options.handlers.onConnected(replica)
  }

  #onMessage(link: ControlLink, body: EnvelopeBody): void {
    if (body.case !== 'report') return
    const replica = this.connected().find((one) => one.link === link)
    if (replica === undefined) return
    const { event, detail } = body.value
    this.#options.logger.warn({ event, detail, replica: replica.index }, 'a replica reports')
    this.#options.handlers.onReport?.(replica, body.value)
  }

  /** Drains what is surplus, and replaces what runs with other settings, one at a time. */
  async #replaceOutdated(adopted: readonly ReplicaSlot[]): Promise<void> {
    const { replicas, settingsFor } = this.#options
    for (const slot of adopted.filter(({ index }) => index >= replicas)) {
      slot.end(settingsFor(slot.index, 0).drainMsMax, 'surplus', true)
    }
    for (const slot of adopted) {
      const { index, replica } = slot
      if (index >= replicas || replica === null || this.#isStopping) continue
      const wanted = settingsFor(index, 0)
      if (replica.hello.settingsSha256 === settingsSha256(wanted)) continue
      slot.end(wanted.drainMsMax, 'settings have changed', true)
      await slot.whenEnded()
      await this.#whenServing(slot)
    }
  }

  async #whenServing(slot: ReplicaSlot): Promise<void> {
    const { clock, handlers } = this.#options
    const giveUpMs = clock.monotonic() + SUCCESSOR_MS_MAX
    const isServing = ({ replica }: ReplicaSlot) =>
      replica !== null && (handlers.isServing?.(replica) ?? true)
    while (!isServing(slot) && clock.monotonic() < giveUpMs && !this.#isStopping) {
      await delay(clock, SUCCESSOR_LOOK_MS)
    }
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
