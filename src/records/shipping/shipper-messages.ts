/** What control and the shipper say to each other, as plain data. */

import type { RetentionLimits } from '../files/retention.ts'
import type { LaneLimits } from './commit-due.ts'
import type { Shipped } from './committed.ts'
import type { DocumentFormat } from './document.ts'

export interface ShipperSettings {
  /** Absolute, as all paths. The shipper keeps what it must know below `shipper` in it. */
  readonly stateDir: string
  readonly spoolFolder: string
  /** `records.path` */
  readonly path: string
  /** Of whom the segments are; part of the names of files. */
  readonly gateway: string
  readonly limits: LaneLimits
  readonly retention: RetentionLimits
  /** Of the last shipper that has ended by itself, by a fault; null: control has seen none. */
  readonly failedPid: number | null
  readonly logLevel: string
}

/** From control. */
export interface ToShipper {
  readonly type: 'drain'
  /** Longest time that it may take. */
  readonly drainMs: number
}

/** From the shipper, once a second; counters are since the sink was used first, as committed. */
export interface ShipperFigures {
  readonly type: 'figures'
  readonly sinks: readonly SinkFigures[]
  /** Of segments that lie in the spool, shipped or not. */
  readonly spoolBytes: number
  readonly spoolSegments: number
  /** Times in a row that a sink could not go on. */
  readonly failures: number
  /** The spool is not the one that was there before, and that one is waited for. */
  readonly isSpoolAway: boolean
}

export interface SinkFigures extends Shipped {
  readonly name: string
  /** False until it is known what was committed before: then all else says nothing yet. */
  readonly isKnown: boolean
  readonly rows: number
  readonly duplicates: number
  /** Segments of which something is lost. */
  readonly quarantined: number
  /** Records that are read and not committed yet. */
  readonly heldRows: number
  /** Of the spool, that are not shipped as of the last commit. */
  readonly unshippedBytes: number
  /** Wall clock of the last commit; 0: there was none in this life of the process. */
  readonly committedMs: number
}

/** Folder in the state folder. */
export const SHIPPER_FOLDER = 'shipper'

/** State of a sink, in that folder. */
export const sinkStateFile = (sink: string): string => `${sink}.json`

/** Names the process that ships, for a control that comes after its own has gone. */
export const SHIPPER_PROCESS_FILE = 'process.json'
export const SHIPPER_PROCESS_FORMAT: DocumentFormat = {
  ...{ name: 'sluice.shipper-process', version: 1 },
}
