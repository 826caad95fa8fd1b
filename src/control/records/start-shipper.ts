/** Starts the shipper of a gateway, as its config says. */

import { join } from 'node:path'
import type { SluiceConfig } from '../../config/config.ts'
import type { ShipperFigures, ShipperSettings } from '../../records/shipping/shipper-messages.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import { entryPath } from '../../shared/threads.ts'
import { ShipperProcess } from './shipper-process.ts'

/** Bytes of entries that wait for their file at most: about twice as much in memory. */
const HELD_BYTES_MAX = 64 * 1024 * 1024

/** Folder of the spool in the state folder. */
export const spoolFolderOf = (stateDir: string): string => join(stateDir, 'spool')

export interface ShipperTerms {
  /** Path of the state folder, and the name of the gateway that it belongs to. */
  readonly stateDir: string
  readonly gateway: string
  readonly clock: Clock
  readonly logger: Logger
  /** Called with all that it says. */
  onFigures(figures: ShipperFigures): void
}

/** Plain settings of the process. */
export const shipperSettings = (
  { records, log }: Pick<SluiceConfig, 'records' | 'log'>,
  { stateDir, gateway }: Pick<ShipperTerms, 'stateDir' | 'gateway'>,
): ShipperSettings => {
  const { flushRows, flushSeconds, retentionBytes, retentionDays } = records.file
  return {
    ...{ stateDir, gateway, path: records.path, spoolFolder: spoolFolderOf(stateDir) },
    limits: { rowsMax: flushRows, bytesMax: HELD_BYTES_MAX, ageMsMax: flushSeconds * 1000 },
    retention: { bytesMax: retentionBytes, daysMax: retentionDays },
    failedPid: null,
    logLevel: log.level,
  }
}

/** The caller stops it, after its replicas have ended. */
export const startShipper = (
  config: Pick<SluiceConfig, 'records' | 'log'>,
  terms: ShipperTerms,
): ShipperProcess => {
  const { clock, logger, onFigures } = terms
  const entry = entryPath('records/shipper.ts')
  const settings = shipperSettings(config, terms)
  return new ShipperProcess({ entry, settings, clock, logger, onFigures })
}
