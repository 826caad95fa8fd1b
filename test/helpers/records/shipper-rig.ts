/** Shippers as processes over a spool, under a control or what stands for one. */

import { type ChildProcess, spawn } from 'node:child_process'
import { globSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ShipperProcess } from '../../../src/control/records/shipper-process.ts'
import { readTable, withRecordsFile } from '../../../src/records/file-source.ts'
import type { ShipperSettings } from '../../../src/records/shipping/shipper-messages.ts'
import { systemFiles } from '../../../src/records/spool/file-calls.ts'
import { segmentName } from '../../../src/records/spool/segment-names.ts'
import { type Clock, systemClock } from '../../../src/shared/clock.ts'
import { createLogger } from '../../../src/shared/logger.ts'
import { ownIdentity } from '../../../src/shared/process-identity.ts'
import { entryPath } from '../../../src/shared/threads.ts'
import { atEnd } from '../clean-up.ts'
import { reap, signal } from '../reaper.ts'
import { HEADER, type PlannedFrame, segmentBytes } from '../segments.ts'
import { makeTempDir } from '../temp-dir.ts'
import { records } from './frames.ts'
import { layoutFrame } from './shipping-world.ts'

const logger = createLogger({ level: 'silent', component: 'test' })

/** Over an empty spool. */
export const makeShipperSettings = (): ShipperSettings => {
  const stateDir = makeTempDir('shipper')
  atEnd(() => reap(stateDir))
  const spoolFolder = join(stateDir, 'spool')
  mkdirSync(spoolFolder)
  return {
    ...{ stateDir, spoolFolder, path: join(stateDir, 'data', 'records'), gateway: 'g7q2' },
    limits: { rowsMax: 1000, bytesMax: 1e7, ageMsMax: 100 },
    retention: { bytesMax: 0, daysMax: 0 },
    failedPid: null,
    logLevel: 'silent',
  }
}

/** Writes a segment of records of this process, which lives. */
export const putRecords = (
  { spoolFolder }: ShipperSettings,
  from: number,
  to: number,
  number = 1,
  ...more: readonly PlannedFrame[]
): void => {
  const header = { ...HEADER, process: ownIdentity(), number }
  const bytes = segmentBytes([layoutFrame(), records(from, to), ...more], header)
  writeFileSync(join(spoolFolder, segmentName(header)), bytes)
}

/** Sequences of all records that are in files, in order. */
export const sequencesIn = async ({ path }: ShipperSettings): Promise<number[]> => {
  const paths = globSync(join(path, 'endpoint=*', '*', '*', '*.parquet'))
  const tables = await Promise.all(
    paths.map((file) => withRecordsFile(systemFiles, file, readTable)),
  )
  const numbers = tables.flatMap(({ columns, rows }) => {
    const column = columns.find(({ name }) => name === 'sequence')!
    return Array.from({ length: rows }, (_, row) => Number(column.valueAt(row)))
  })
  return numbers.sort((a, b) => a - b)
}

/** A shipper of this process. */
export const startShipperProcess = (
  settings: ShipperSettings,
  clock: Clock = systemClock,
  entry = entryPath('records/shipper.ts'),
): ShipperProcess => {
  const shipper = new ShipperProcess({ entry, settings, clock, logger, onFigures: () => {} })
  atEnd(() => shipper.stop(0))
  return shipper
}

const source = (file: string) =>
  JSON.stringify(fileURLToPath(new URL(`../../../src/${file}`, import.meta.url)))

/** A process that does nothing but have a shipper. */
export const startShipperControl = (settings: ShipperSettings): ChildProcess => {
  const script = join(settings.stateDir, 'control.mjs')
  const code = `import { ShipperProcess } from ${source('control/records/shipper-process.ts')}
    import { createLogger } from ${source('shared/logger.ts')}
    import { systemClock } from ${source('shared/clock.ts')}
    const entry = ${JSON.stringify(entryPath('records/shipper.ts'))}
    const logger = createLogger({ level: 'silent', component: 'test' })
    const settings = ${JSON.stringify(settings)}
    const onFigures = () => {}
    new ShipperProcess({ entry, settings, clock: systemClock, logger, onFigures })
    setInterval(() => {}, 1000)`
  writeFileSync(script, code)
  const control = spawn(process.execPath, [script], { stdio: 'ignore' })
  atEnd(() => signal(control.pid!, 'SIGKILL'))
  return control
}
