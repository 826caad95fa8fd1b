import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startGateway } from '../helpers/gateway.ts'

const CONFIG = fileURLToPath(new URL('../../examples/flight-delay/sluice.yaml', import.meta.url))

/** `promtool check metrics` reads from stdin: 1 it cannot be parsed, 3 lint complaints. */
const check = (exposition: string) =>
  spawnSync('promtool', ['check', 'metrics'], { input: exposition, encoding: 'utf8' })

test('/metrics is clean by promtool after requests of every outcome', async () => {
  const gateway = await startGateway({ config: CONFIG })
  await gateway.post('/predict/flight-delay', '{"features": {}}')
  await gateway.post('/predict/flight-delay', 'garbage')
  await gateway.post('/v2/models/absent/infer', '{}')
  const { status, stdout, stderr } = check(await gateway.metrics())
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
})

test('promtool complains about a counter without its suffix', () => {
  expect(check('# HELP requests Requests\n# TYPE requests counter\nrequests 1\n').status).not.toBe(
    0,
  )
})
