/** Never do two shippers share a spool, and one that hangs is there for a while only. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formerShipper } from '../../src/control/records/shipper-process.ts'
import { entryPath } from '../../src/shared/threads.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { isAlive, processesNaming, signal } from '../helpers/reaper.ts'
import {
  makeShipperSettings,
  putRecords,
  sequencesIn,
  startShipperControl,
  startShipperProcess,
} from '../helpers/records/shipper-rig.ts'
import { until } from '../helpers/until.ts'

const SECOND_MS = 1000

test('a shipper that another one finds at work does nothing, whoever started it', async () => {
  const settings = makeShipperSettings()
  const shipper = startShipperProcess(settings)
  await until(() => shipper.figures, { what: 'a shipper at work' })
  const path = join(settings.stateDir, 'elsewhere')
  putRecords(settings, 1, 100)
  const other = spawn(process.execPath, [entryPath('records/shipper.ts'), settings.stateDir], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  other.stdin.end(JSON.stringify({ ...settings, path }))
  expect(await once(other, 'exit')).toEqual([1, null])
  expect(existsSync(path)).toBe(false)
  await until(async () => (await sequencesIn(settings)).length === 100, { what: '100 records' })
  expect(shipper.restarts).toBe(0)
})

test('a control that cannot tell whether there is a shipper ships when there is none', async () => {
  const settings = makeShipperSettings()
  const control = startShipperControl(settings)
  const first = await until(() => formerShipper(settings.stateDir)?.pid, { what: 'a shipper' })
  putRecords(settings, 1, 10)
  await until(async () => (await sequencesIn(settings)).length === 10, { what: '10 records' })
  signal(first, 'SIGSTOP')
  control.kill('SIGKILL')
  await once(control, 'exit')
  writeFileSync(join(settings.stateDir, 'shipper', 'process.json'), 'no name')
  const shipper = startShipperProcess(settings)
  await until(() => shipper.restarts > 0, { what: 'one that may not start' })
  signal(first, 'SIGKILL')
  putRecords(settings, 11, 20, 2)
  await until(async () => (await sequencesIn(settings)).length === 20, { what: '20 records' })
})

test('the shipper of an earlier control that does not end is killed, and only then another starts', async () => {
  const settings = makeShipperSettings()
  const control = startShipperControl(settings)
  const first = await until(() => formerShipper(settings.stateDir)?.pid, { what: 'a shipper' })
  signal(first, 'SIGSTOP')
  control.kill('SIGKILL')
  await once(control, 'exit')
  const clock = new FakeClock()
  const shipper = startShipperProcess(settings, clock)
  await clock.advance(24 * SECOND_MS)
  expect([isAlive(first), shipper.isRunning]).toEqual([true, false])
  await clock.advance(2 * SECOND_MS)
  await until(() => !isAlive(first), { what: 'its end' })
  await clock.advance(SECOND_MS)
  expect(shipper.isRunning).toBe(true)
  await until(() => shipper.figures, { what: 'another one at work' })
  expect(processesNaming(settings.stateDir)).toHaveLength(1)
})

test('a shipper that says nothing for two minutes is killed, and another one goes on', async () => {
  const settings = makeShipperSettings()
  const clock = new FakeClock()
  const shipper = startShipperProcess(settings, clock)
  await until(() => shipper.figures, { what: 'a shipper at work' })
  const first = formerShipper(settings.stateDir)!.pid
  signal(first, 'SIGSTOP')
  putRecords(settings, 1, 10)
  await clock.advance(119 * SECOND_MS)
  expect([isAlive(first), shipper.silentMs >= 119 * SECOND_MS]).toEqual([true, true])
  await clock.advance(2 * SECOND_MS)
  await until(() => shipper.restarts === 1, { what: 'its end' })
  expect(isAlive(first)).toBe(false)
  await clock.advance(SECOND_MS)
  expect(shipper.isRunning).toBe(true)
  await until(async () => (await sequencesIn(settings)).length === 10, { what: '10 records' })
})

test('shippers that end one after the other are as silent as one that hangs', async () => {
  const settings = makeShipperSettings()
  const entry = join(settings.stateDir, 'mortal.mjs')
  writeFileSync(entry, 'process.exit(1)')
  const clock = new FakeClock()
  const shipper = startShipperProcess(settings, clock, entry)
  for (let ends = 1; ends <= 3; ends++) {
    await until(() => shipper.restarts === ends, { what: 'its end' })
    await clock.advance(20 * SECOND_MS)
  }
  expect(shipper.silentMs).toBe(60 * SECOND_MS)
})

test('a shipper knows of one that ended by itself, and none of one that was killed', async () => {
  const settings = makeShipperSettings()
  const entry = join(settings.stateDir, 'mortal.mjs')
  const ends = ['SIGKILL', 'SIGSEGV', 'SIGKILL', 'SIGTERM', 1, 'SIGABRT', 0, 'SIGKILL']
  writeFileSync(
    entry,
    `import { appendFileSync, readFileSync } from 'node:fs'
    const { failedPid, stateDir } = JSON.parse(readFileSync(0, 'utf8'))
    const path = stateDir + '/lives'
    appendFileSync(path, JSON.stringify([process.pid, failedPid]) + '\\n')
    const end = ${JSON.stringify(ends)}[readFileSync(path, 'utf8').split('\\n').length - 2]
    typeof end === 'number' ? process.exit(end) : process.kill(process.pid, end)`,
  )
  const clock = new FakeClock()
  const shipper = startShipperProcess(settings, clock, entry)
  for (let times = 1; times <= ends.length; times++) {
    await until(() => shipper.restarts === times, { what: 'its end' })
    if (times < ends.length) await clock.advance(60 * SECOND_MS)
  }
  const lives = readFileSync(join(settings.stateDir, 'lives'), 'utf8').trim().split('\n')
  const [pids, failed] = [0, 1].map((at) => lives.map((line) => JSON.parse(line)[at] as unknown))
  const [segv, one, abort] = [pids![1], pids![4], pids![5]]
  expect(failed).toEqual([null, null, segv, segv, segv, one, abort, abort])
})
