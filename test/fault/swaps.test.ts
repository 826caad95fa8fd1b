import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { processesNaming } from '../helpers/reaper.ts'
import { makeRepository } from '../helpers/repository.ts'
import { startSwaps } from '../helpers/swaps.ts'
import { until } from '../helpers/until.ts'

const SWAPS = 5

test('versions come and go under full load, and no request fails', async () => {
  const { gateway, load, swap } = await startSwaps()
  for (let i = 0; i < SWAPS; i++) {
    await swap()
    await load.answered(50)
  }
  const { answers, broken } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(broken).toBe(0)
  expect(new Set(answers.map(({ version }) => version)).size).toBe(SWAPS + 1)
  // Each left both replicas, what it left was measured, and the metrics tell.
  gateway.reload()
  const unloads = `sluice_version_unloads_total ${2 * SWAPS}\n`
  await until(async () => (await gateway.metrics()).includes(unloads), { what: 'all unloads' })
  expect(await gateway.metrics()).toMatch(
    /sluice_unload_resident_memory_bytes\{replica="1",moment="after"\} \d{7,}/,
  )
  expect(gateway.stderr).toContain('"event":"version_unloaded"')
})

test.each([
  ['has unloaded often enough', 'unloads', 'unloads_max: 2'],
  ['has kept memory over an unload', 'memory', 'unloads_max: 0, memory_bytes_max: 1'],
])('a replica that %s is replaced by itself, one at a time', async (_, reason, limit) => {
  const { gateway, load, swap } = await startSwaps([`recycle: {${limit}, pause_seconds: 1}`])
  const before = [...(await gateway.replicaPids()).values()]
  for (let i = 0; i < 3; i++) await swap()
  const areNew = async () => {
    const pids = [...(await gateway.replicaPids()).values()]
    return pids.length === 2 && pids.every((pid) => !before.includes(pid))
  }
  await until(areNew, { what: 'new replicas', timeoutMs: 40_000, everyMs: 100 })
  await load.answered(50)
  const { answers, broken } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(broken).toBe(0)
  const { recycled, restart } = await gateway.status()
  expect(recycled).toMatchObject({ reason, fault: null })
  expect(restart).toBeNull()
  const recycles = new RegExp(`sluice_replica_recycles_total\\{reason="${reason}"\\} [1-9]`)
  expect(await gateway.metrics()).toMatch(recycles)
})

test('a version that is not named any more leaves by itself, without traffic or a reload', async () => {
  const repository = makeRepository({
    'm/1/model.onnx': scaleAdd(2),
    'm/2/model.onnx': scaleAdd(2),
    'm/aliases.json': { champion: 1 },
  })
  const gateway = await startGateway({ repository })
  writeFileSync(join(repository, 'm/aliases.json'), JSON.stringify({ champion: 2 }))
  gateway.reload()
  const first = () => gateway.version('m', 1)
  const hasLeft = async () => (await first())?.unloads.length === 2
  await until(hasLeft, { what: 'its end in both replicas', timeoutMs: 20_000 })
  const { state, unloads = [] } = (await first()) ?? {}
  expect(state).toBe('unloaded')
  expect(unloads.map(({ replica }) => replica)).toEqual([0, 1])
  for (const { rssBeforeBytes, rssAfterBytes } of unloads) {
    expect(Math.min(rssBeforeBytes, rssAfterBytes)).toBeGreaterThan(10e6)
  }
})

test('SIGTERM at any moment of a swap ends the gateway in order', async () => {
  const { gateway, load, swap } = await startSwaps()
  const [answersBefore] = fc.sample(fc.integer({ min: 1, max: 2000 }), 1)
  void swap().catch(() => {})
  await load.answered(answersBefore!)
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  const { answers } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(processesNaming(gateway.stateDir)).toEqual([])
})
