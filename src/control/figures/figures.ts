/** Asks the replicas for their figures, tells them the sums of the dead, notices who is silent. */

import type { DeadSums, Statistics as FinalFigures } from '../../../proto/gen/control_pb.ts'
import { type Clock, every } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { ConnectedReplica, ReplicaDeath } from '../replicas/connected-replica.ts'
import { sharedRuns } from '../shared-runs.ts'
import { lookForSilence, type SilenceWatch } from './silence.ts'
import type { Snapshot, Statistics } from './statistics.ts'

const LOOK_MS = 1000

export interface FiguresSources {
  readonly statistics: Statistics
  readonly clock: Clock
  readonly logger: Logger
  /** Every replica whose link is open. */
  linked(): readonly ConnectedReplica[]
  /** Slot keys of the present plan. */
  slotKeys(): ReadonlySet<string>
  replace(replica: ConnectedReplica, reason: string): void
  /** New figures, once a second or oftener. */
  onFigures(snapshot: Snapshot): void
}

export class Figures {
  readonly #sources: FiguresSources
  #cancel = () => {}
  #snapshot: Snapshot | null = null
  #watch: SilenceWatch | null = null
  /** `deadChanges` of the sums that all replicas were told. */
  #changesTold = 0
  /** Until the living replicas of an earlier control are adopted, sums are too low. */
  #isBegun = false

  constructor(sources: FiguresSources) {
    this.#sources = sources
  }

  get snapshot(): Snapshot | null {
    return this.#snapshot
  }

  /** It is known which replicas of an earlier control live on: figures are asked for from now. */
  begin(): void {
    const { clock, logger } = this.#sources
    this.#isBegun = true
    const look = async () => {
      await this.refresh()
      this.#look()
    }
    this.#cancel = every(clock, LOOK_MS, look, (error) =>
      logger.error({ event: 'figures_failed', error }, 'figures could not be gathered'),
    )
  }

  end(): void {
    this.#cancel()
  }

  onConnected(replica: ConnectedReplica): void {
    this.#sources.statistics.replicaConnected(replica)
    this.#tell([replica])
  }

  onDrained({ incarnation }: ConnectedReplica, final: FinalFigures): void {
    this.#sources.statistics.replicaDrained(incarnation, final)
  }

  onDied(death: ReplicaDeath): void {
    this.#sources.statistics.replicaDied(death)
    this.#tell(this.#sources.linked())
  }

  /**
   * Figures of which none is older than the question, as far as replicas answer in time. Null
   * before `begin`. Whoever asks while others are being answered shares the next answer.
   */
  readonly refresh: () => Promise<Snapshot | null> = sharedRuns(() => this.#refresh())

  async #refresh(): Promise<Snapshot | null> {
    if (!this.#isBegun) return null
    const { statistics, linked, slotKeys, onFigures } = this.#sources
    this.#snapshot = await statistics.poll(linked(), slotKeys())
    onFigures(this.#snapshot)
    if (statistics.deadChanges !== this.#changesTold) {
      this.#changesTold = statistics.deadChanges
      this.#tell(linked())
    }
    return this.#snapshot
  }

  #tell(replicas: readonly ConnectedReplica[]): void {
    const value: DeadSums = this.#sources.statistics.deadSums()
    for (const { link } of replicas) link.tell({ case: 'deadSums', value })
  }

  #look(): void {
    const { clock, linked, replace } = this.#sources
    const connected = linked()
    const answering = (this.#snapshot?.replicas ?? []).filter(({ incarnation }) =>
      connected.some((replica) => replica.incarnation === incarnation),
    )
    const { watch, silent } = lookForSilence(this.#watch, answering, clock.monotonic())
    this.#watch = watch
    for (const replica of connected) {
      if (silent.includes(replica.incarnation)) replace(replica, 'no figures')
    }
  }
}
