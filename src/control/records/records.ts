/** Control's part in records: what endpoints want of them, who ships them, what became of them. */

import type { RecordFigures } from '../../../proto/gen/control_pb.ts'
import type { SluiceConfig } from '../../config/config.ts'
import { SPOOL_STATE } from '../../records/ring/record-ring.ts'
import type { ShipperFigures } from '../../records/shipping/shipper-messages.ts'
import type { RecordPolicies } from '../../shared/record-policy.ts'
import type { RecordView } from '../figures/record-metrics.ts'
import { RecordSums } from '../figures/record-sums.ts'
import type { Snapshot } from '../figures/statistics.ts'
import type { ShipperProcess } from './shipper-process.ts'

/** A shipper that has not been heard for longer is worth a word. */
const SILENT_MS = 30_000

/** Why nothing is written to the spool, by what replicas say of it. */
const SPOOL_TROUBLES: Readonly<Record<number, string>> = {
  [SPOOL_STATE.FULL]: 'the spool of records has records.spool.bytes_max, as nobody ships them',
  [SPOOL_STATE.DISK_FULL]: 'the disk of the spool of records, in the state folder, is full',
  [SPOOL_STATE.IO_ERROR]: 'the spool of records cannot be written; the log says why',
}

/** What comes of that, by `records.when_full`. */
const CONSEQUENCES = { drop: 'records are dropped', wait: 'predictions are refused' } as const

type Shipper = Pick<ShipperProcess, 'figures' | 'silentMs' | 'isRunning' | 'restarts' | 'stop'>

export class Records {
  readonly #sums: RecordSums
  readonly #isEnabled: boolean
  readonly #whenFull: SluiceConfig['records']['whenFull']
  #policies: RecordPolicies
  #shipper: Shipper | null = null
  /** What adopted replicas had taken, and what was shipped before, is part of the sums. */
  #hasReplicas = false
  #hasShipped = false
  #unmatched = 0
  /** The worst SPOOL_STATE of any replica. */
  #spoolState: number = SPOOL_STATE.WELL

  /** @param gateway name of the one whose replicas these are */
  constructor({ enabled, whenFull, policies }: SluiceConfig['records'], gateway: string) {
    this.#sums = new RecordSums(gateway)
    this.#isEnabled = enabled
    this.#whenFull = whenFull
    this.#policies = policies
  }

  /** What is written down of each endpoint from the next epoch on. */
  get policies(): RecordPolicies {
    return this.#policies
  }

  /** What the shipper said last; null: there is none, or it has said nothing yet. */
  get figures(): ShipperFigures | null {
    return this.#shipper?.figures ?? null
  }

  /** Who ships from now on; null: nobody. It is stopped with this. */
  ship(shipper: Shipper | null): void {
    this.#shipper = shipper
  }

  /** Ships what is left, for `drainMs` at most, after all replicas have ended. */
  async stop(drainMs: number): Promise<void> {
    await this.#shipper?.stop(drainMs)
  }

  /** Of the config that was read again: what can change while this runs. */
  reload({ enabled, policies }: SluiceConfig['records']): void {
    // Switched on or off, that is what a restart is for: until then all is as it was.
    if (enabled === this.#isEnabled) this.#policies = policies
  }

  /** How many rules of redaction fit nothing, by the last plan. */
  onUnmatched(rules: number): void {
    this.#unmatched = rules
  }

  /** Figures of all living replicas. */
  onFigures({ isWhole, replicas }: Pick<Snapshot, 'isWhole' | 'replicas'>): void {
    this.#hasReplicas ||= isWhole
    for (const { incarnation, records } of replicas) this.onReplica(incarnation, records)
    this.#spoolState = Math.max(0, ...replicas.map(({ records }) => records?.spoolState ?? 0))
  }

  /** Those of one, which may be its last. */
  onReplica(incarnation: number, records: RecordFigures | null | undefined): void {
    if (records) this.#sums.take(incarnation, records)
  }

  /** What the shipper says, each time that it does. */
  onShipper({ sinks }: Pick<ShipperFigures, 'sinks'>): void {
    const [file] = sinks
    if (file?.isKnown !== true) return
    this.#hasShipped = true
    this.#sums.takeShipped(file)
  }

  /** What became of all predictions; null: nothing is written down. */
  view(): RecordView | null {
    const shipper = this.#shipper
    if (shipper === null) return null
    const { figures, silentMs, isRunning, restarts } = shipper
    // A part of the sums would be a fall, and all of them at the next scrape as if made since.
    const totals = this.#hasReplicas && this.#hasShipped ? this.#sums.totals() : null
    return {
      totals,
      unmatched: this.#unmatched,
      shipper: { figures, silentMs, isRunning, restarts },
    }
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    const { figures, silentMs = 0 } = this.#shipper ?? {}
    const told: string[] = []
    const trouble = SPOOL_TROUBLES[this.#spoolState]
    if (trouble !== undefined) told.push(`${trouble}; ${CONSEQUENCES[this.#whenFull]}`)
    if (silentMs > SILENT_MS) {
      const seconds = Math.round(silentMs / 1000)
      told.push(`the shipper of records has said nothing for ${seconds} s; they wait in the spool`)
    }
    if ((figures?.failures ?? 0) > 0) {
      told.push('records cannot be written to records.path and wait in the spool; the log says why')
    }
    if (figures?.isSpoolAway === true) {
      told.push(
        'the spool of records is not the folder that was there before, which is waited for: what ' +
          'is in that counts as lost if it is not back ten minutes after the log said so',
      )
    }
    return told
  }
}
