import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { formerShipper, ShipperProcess } from '../../src/control/records/shipper-process.ts'
import { readTable, withRecordsFile } from '../../src/records/file-source.ts'
import type { ShipperSettings } from '../../src/records/shipping/shipper-messages.ts'
import { systemFiles } from '../../src/records/spool/file-calls.ts'
import { FRAME, type SegmentHeader } from '../../src/records/spool/segment-format.ts'
import { segmentName } from '../../src/records/spool/segment-names.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { ownIdentity } from '../../src/shared/process-identity.ts'
import { entryPath } from '../../src/shared/threads.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { isAlive, processesNaming, reap, signal } from '../helpers/reaper.ts'
import { layoutFrame } from '../helpers/records/shipping-world.ts'
import { recordEntry } from '../helpers/ring-entries.ts'
import { HEADER, type PlannedFrame, SEAL, segmentBytes } from '../helpers/segments.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const logger = createLogger({ level: 'silent', component: 'test' })

const makeSettings = (): ShipperSettings => {
  const stateDir = makeTempDir('shipper')
  atEnd(() => reap(stateDir))
  const spoolFolder = join(stateDir, 'spool')
  mkdirSync(spoolFolder)
  return {
    ...{ stateDir, spoolFolder, path: join(stateDir, 'data', 'records'), gateway: 'g7q2' },
    limits: { rowsMax: 1000, bytesMax: 1e7, ageMsMax: 100 },
    retention: { bytesMax: 0, daysMax: 0 },
    logLevel: 'error',
  }
}

const records = (from: number, to: number): PlannedFrame => ({
  kind: FRAME.RECORDS,
  account: { thread: 0, count: 0, floor: to + 1, taken: to },
  bytes: Buffer.concat(
    Array.from({ length: to - from + 1 }, (_, i) =>
      recordEntry({ sequence: from + i, layout: 2, payloadBytes: 0 }),
    ),
  ),
})

/** Writes a segment of this process, which lives. */
const put = (
  { spoolFolder }: ShipperSettings,
  header: Partial<SegmentHeader>,
  frames: readonly PlannedFrame[],
): void => {
  const whole = { ...HEADER, process: ownIdentity(), ...header }
  writeFileSync(join(spoolFolder, segmentName(whole)), segmentBytes(frames, whole))
}

const sequences = async ({ path }: ShipperSettings): Promise<number[]> => {
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
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

const start = (settings: ShipperSettings): ShipperProcess => {
  const entry = entryPath('records/shipper.ts')
  const shipper = new ShipperProcess({ entry, settings, clock: systemClock, logger })
  atEnd(() => shipper.stop(0))
  return shipper
}
const shipped = (settings: ShipperSettings, count: number) =>
  until(async () => (await sequences(settings)).length === count, { what: `${count} records` })
const pidOf = ({ stateDir }: ShipperSettings) =>
  until(() => formerShipper(stateDir)?.pid, { what: 'the shipper' })

test('the shipper ships what lies in the spool, says so, and goes on after it was killed', async () => {
  const settings = makeSettings()
  put(settings, {}, [layoutFrame(), records(1, 100), SEAL])
  const shipper = start(settings)
  await shipped(settings, 100)
  await until(() => !existsSync(join(settings.spoolFolder, 'r1-i3-g0-1.seg')), { what: 'an end' })
  await until(() => shipper.figures?.sinks[0]?.records === 100, { what: 'figures' })
  const pid = await pidOf(settings)
  signal(pid, 'SIGKILL')
  put(settings, { number: 2 }, [layoutFrame(), records(101, 150)])
  await shipped(settings, 150)
  expect(shipper.restarts).toBe(1)
  expect(await sequences(settings)).toEqual(upTo(150))
})

test('stop() lets it commit what it has read', async () => {
  const settings = { ...makeSettings(), limits: { rowsMax: 1e6, bytesMax: 1e9, ageMsMax: 60_000 } }
  const shipper = start(settings)
  const pid = await pidOf(settings)
  put(settings, {}, [layoutFrame(), records(1, 100)])
  await shipper.stop(10_000)
  expect(isAlive(pid)).toBe(false)
  expect(await sequences(settings)).toEqual(upTo(100))
})

const source = (file: string) =>
  JSON.stringify(fileURLToPath(new URL(`../../src/${file}`, import.meta.url)))

/** A process that does nothing but have a shipper. */
const startControl = (settings: ShipperSettings): ChildProcess => {
  const script = join(settings.stateDir, 'control.mjs')
  const code = `import { ShipperProcess } from ${source('control/records/shipper-process.ts')}
    import { createLogger } from ${source('shared/logger.ts')}
    import { systemClock } from ${source('shared/clock.ts')}
    const entry = ${JSON.stringify(entryPath('records/shipper.ts'))}
    const logger = createLogger({ level: 'silent', component: 'test' })
    new ShipperProcess({ entry, settings: ${JSON.stringify(settings)}, clock: systemClock, logger })
    setInterval(() => {}, 1000)`
  writeFileSync(script, code)
  const control = spawn(process.execPath, [script], { stdio: 'ignore' })
  atEnd(() => signal(control.pid!, 'SIGKILL'))
  return control
}

test('the shipper ends when its control was killed, and another control has one of its own', async () => {
  const settings = makeSettings()
  const control = startControl(settings)
  const first = await pidOf(settings)
  put(settings, {}, [layoutFrame(), records(1, 10)])
  await shipped(settings, 10)
  control.kill('SIGKILL')
  await once(control, 'exit')
  start(settings)
  await until(() => !isAlive(first), { what: 'the end of the first' })
  put(settings, { number: 2 }, [layoutFrame(), records(11, 20)])
  await shipped(settings, 20)
  expect(await pidOf(settings)).not.toBe(first)
})

test('there is one shipper at a time', async () => {
  const settings = makeSettings()
  const control = startControl(settings)
  const first = await pidOf(settings)
  signal(first, 'SIGSTOP')
  control.kill('SIGKILL')
  await once(control, 'exit')
  const shipper = start(settings)
  // It hangs and cannot end: nobody else starts as long as it is there.
  expect(shipper.isRunning).toBe(false)
  signal(first, 'SIGKILL')
  await until(() => shipper.isRunning, { what: 'a shipper' })
  await until(async () => (await pidOf(settings)) !== first, { what: 'its name' })
  expect(processesNaming(join(settings.stateDir)).length).toBe(1)
  expect(readFileSync(join(settings.stateDir, 'shipper', 'process.json'), 'utf8')).toMatch(/pid/)
})

test('a shipper has its name on the disk before it is told anything', async () => {
  const settings = makeSettings()
  const shipper = start(settings)
  // Whatever becomes of control from here on, the next one finds it.
  const former = formerShipper(settings.stateDir)
  expect(former?.pid).toBeGreaterThan(0)
  const next = start(settings)
  expect(next.isRunning).toBe(false)
  await next.stop(0)
  expect(shipper.isRunning).toBe(true)
})

test('a shipper that cannot be named is told nothing', async () => {
  const settings = makeSettings()
  put(settings, {}, [layoutFrame(), records(1, 10), SEAL])
  writeFileSync(join(settings.stateDir, 'shipper'), 'no folder')
  const shipper = start(settings)
  await until(() => shipper.restarts > 0, { what: 'its end' })
  expect(existsSync(settings.path)).toBe(false)
})
