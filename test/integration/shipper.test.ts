import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formerShipper } from '../../src/control/records/shipper-process.ts'
import type { ShipperSettings } from '../../src/records/shipping/shipper-messages.ts'
import { isAlive, processesNaming, signal } from '../helpers/reaper.ts'
import { upTo } from '../helpers/records/frames.ts'
import {
  makeShipperSettings,
  putRecords,
  sequencesIn,
  startShipperControl,
  startShipperProcess,
} from '../helpers/records/shipper-rig.ts'
import { SEAL } from '../helpers/segments.ts'
import { until } from '../helpers/until.ts'

const shipped = (settings: ShipperSettings, count: number) =>
  until(async () => (await sequencesIn(settings)).length === count, { what: `${count} records` })
const pidOf = ({ stateDir }: ShipperSettings) =>
  until(() => formerShipper(stateDir)?.pid, { what: 'the shipper' })

test('the shipper ships what lies in the spool, says so, and goes on after it was killed', async () => {
  const settings = makeShipperSettings()
  putRecords(settings, 1, 100, 1, SEAL)
  const shipper = startShipperProcess(settings)
  await shipped(settings, 100)
  await until(() => !existsSync(join(settings.spoolFolder, 'r1-i3-g0-1.seg')), { what: 'an end' })
  await until(() => shipper.figures?.sinks[0]?.records === 100, { what: 'figures' })
  const pid = await pidOf(settings)
  signal(pid, 'SIGKILL')
  putRecords(settings, 101, 150, 2)
  await shipped(settings, 150)
  expect(shipper.restarts).toBe(1)
  expect(await sequencesIn(settings)).toEqual(upTo(150))
})

test('stop() lets it commit what it has read', async () => {
  const settings = {
    ...makeShipperSettings(),
    limits: { rowsMax: 1e6, bytesMax: 1e9, ageMsMax: 60_000 },
  }
  const shipper = startShipperProcess(settings)
  const pid = await pidOf(settings)
  putRecords(settings, 1, 100)
  await shipper.stop(10_000)
  expect(isAlive(pid)).toBe(false)
  expect(await sequencesIn(settings)).toEqual(upTo(100))
})

test('the shipper ends when its control was killed, and another control has one of its own', async () => {
  const settings = makeShipperSettings()
  const control = startShipperControl(settings)
  const first = await pidOf(settings)
  putRecords(settings, 1, 10)
  await shipped(settings, 10)
  control.kill('SIGKILL')
  await once(control, 'exit')
  startShipperProcess(settings)
  await until(() => !isAlive(first), { what: 'the end of the first' })
  putRecords(settings, 11, 20, 2)
  await shipped(settings, 20)
  expect(await pidOf(settings)).not.toBe(first)
})

test('there is one shipper at a time', async () => {
  const settings = makeShipperSettings()
  const control = startShipperControl(settings)
  const first = await pidOf(settings)
  signal(first, 'SIGSTOP')
  control.kill('SIGKILL')
  await once(control, 'exit')
  const shipper = startShipperProcess(settings)
  // It hangs and cannot end: nobody else starts as long as it is there.
  expect(shipper.isRunning).toBe(false)
  signal(first, 'SIGKILL')
  await until(() => shipper.isRunning, { what: 'a shipper' })
  await until(async () => (await pidOf(settings)) !== first, { what: 'its name' })
  expect(processesNaming(join(settings.stateDir)).length).toBe(1)
  expect(readFileSync(join(settings.stateDir, 'shipper', 'process.json'), 'utf8')).toMatch(/pid/)
})

test('a shipper has its name on the disk before it is told anything', async () => {
  const settings = makeShipperSettings()
  const shipper = startShipperProcess(settings)
  // Whatever becomes of control from here on, the next one finds it.
  const former = formerShipper(settings.stateDir)
  expect(former?.pid).toBeGreaterThan(0)
  const next = startShipperProcess(settings)
  expect(next.isRunning).toBe(false)
  await next.stop(0)
  expect(shipper.isRunning).toBe(true)
})

test('a shipper that cannot be named is told nothing', async () => {
  const settings = makeShipperSettings()
  putRecords(settings, 1, 10, 1, SEAL)
  writeFileSync(join(settings.stateDir, 'shipper'), 'no folder')
  const shipper = startShipperProcess(settings)
  await until(() => shipper.restarts > 0, { what: 'its end' })
  expect(existsSync(settings.path)).toBe(false)
})
