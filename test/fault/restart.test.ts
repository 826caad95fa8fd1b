import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sluice } from '../helpers/cli.ts'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { copyExample, EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { processesNaming } from '../helpers/reaper.ts'
import { until } from '../helpers/until.ts'

const BODY = JSON.stringify({ features: FLIGHT })

const loadOn = ({ httpPort: port }: TestGateway, isKeptAlive = true) =>
  startClosedLoop({ port, path: '/predict', body: BODY, isKeptAlive }, 8)

const restart = (gateway: TestGateway, ...flags: string[]) =>
  sluice(['restart', '--server', gateway.controlUrl, ...flags])

test('sluice restart replaces every replica under load, and no request fails', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const before = await gateway.replicaPids()
  const load = loadOn(gateway)
  await load.answered(100)
  // The second joins the first.
  const [first, second] = await Promise.all([restart(gateway), restart(gateway, '--json')])
  expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^✔ 2 replicas replaced/) })
  expect(first.stderr).toContain('2 of 2 replicas replaced\n')
  expect(JSON.parse(second.stdout)).toMatchObject({ number: 1, state: 'done', replaced: 2 })
  await load.answered(100)
  const { answers, broken } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(broken).toBe(0)
  const after = await gateway.replicaPids()
  expect([...before.values()].filter((pid) => [...after.values()].includes(pid))).toEqual([])
  expect(processesNaming(gateway.stateDir)).toHaveLength(3)
  expect((await gateway.status()).restart).toMatchObject({ number: 1, state: 'done' })
})

test('clients that connect anew for every request are answered all through a restart', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const load = loadOn(gateway, false)
  await load.answered(100)
  expect((await restart(gateway)).code).toBe(0)
  await load.answered(100)
  const { answers, broken } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  // The kernel resets what it takes between the last accept and the close of one of four listeners.
  expect(broken).toBeLessThanOrEqual(4)
})

test('a restart whose successors cannot serve ends with 1, and the old replicas serve on', async () => {
  const repository = copyExample()
  const gateway = await startGateway({ repository })
  const before = await gateway.replicaPids()
  // Nobody can load what serves: neither its proven copy nor its files are there.
  rmSync(join(gateway.stateDir, 'proven'), { recursive: true })
  const late = await restart(gateway, '--timeout', '1s')
  expect(late.code).toBe(7)
  expect(late.stderr).toContain('the restart goes on')
  expect(await gateway.replicaPids()).toEqual(before)
  expect((await gateway.post('/predict', BODY)).status).toBe(200)
  expect((await gateway.status()).restart).toMatchObject({ state: 'running', replaced: 0 })
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  expect((await restart(gateway)).code).toBe(4)
})

test('SIGTERM in the middle of a restart ends the gateway in order', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const load = loadOn(gateway)
  await load.answered(100)
  const verb = restart(gateway)
  await until(() => processesNaming(gateway.stateDir).length > 3, { what: 'a successor' })
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  const { answers } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(processesNaming(gateway.stateDir)).toEqual([])
  expect([1, 4]).toContain((await verb).code)
})
