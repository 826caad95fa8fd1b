import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway } from '../helpers/gateway.ts'

/** `promtool check metrics` reads from stdin: 1 it cannot be parsed, 3 lint complaints. */
const check = (exposition: string) => {
  const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: exposition,
    encoding: 'utf8',
  })
  const complaints = stderr.split('\n').filter((line) => line !== '')
  return { status, complaints }
}

/** Triton's names, kept for dashboards that exist: units and suffixes are as Triton writes them. */
const isTritonName = (complaint: string): boolean =>
  /^nv_inference_\w+ .*(suffix|abbreviated units)/.test(complaint)

test('/metrics is clean by promtool after requests of every outcome', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const good = await gateway.post('/predict/flight-delay', { features: FLIGHT })
  expect(good.status).toBe(200)
  await gateway.post('/predict/flight-delay', 'garbage')
  await gateway.post('/v2/models/absent/infer', '{}')
  const exposition = await gateway.metrics()
  expect(exposition).toContain('sluice_requests_total')
  const { status, complaints } = check(exposition)
  expect([0, 3]).toContain(status)
  expect(complaints.filter((complaint) => !isTritonName(complaint))).toEqual([])
})

test('promtool complains about a counter without its suffix', () => {
  const exposition = '# HELP requests Requests\n# TYPE requests counter\nrequests 1\n'
  expect(check(exposition).complaints).toHaveLength(1)
})
