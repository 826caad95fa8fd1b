/** Requests and policies that no record can, or may, hold as they are. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sluice } from '../helpers/cli.ts'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { expectAccounted, expectKept, untilShipped } from '../helpers/records/books.ts'
import { columnsInFiles } from '../helpers/records/kept.ts'
import { type RecordedGateway, startRecorded } from '../helpers/records/recorded-gateway.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const SMALL = { replicas: 1, threads: 1, repository: EXAMPLE_REPOSITORY }
const LONG = 'x'.repeat(10_000_000)

/** Values of one column, in the order of time, over all files. */
const omitted = async (path: string): Promise<string[]> => {
  const sql = 'SELECT features_omitted AS omitted FROM predictions ORDER BY time'
  const { stdout, stderr } = await sluice(['records', 'query', sql, '--path', path, '--json'])
  if (stdout === '') throw new Error(stderr)
  return (JSON.parse(stdout) as { omitted: string }[]).map((row) => row.omitted)
}

test('10 MB of text in a feature are answered, and recorded without their features', async () => {
  const world = await startRecorded({ ...SMALL, records: { DURABILITY: 'process' } })
  await world.ask(1)
  await world.ask(1, { features: { ...FLIGHT, carrier: LONG } })
  const batch = Array.from({ length: 20 }, () => ({ ...FLIGHT, carrier: 'y'.repeat(50_000) }))
  await world.ask(1, { instances: batch })
  await world.ask(1)
  const books = await untilShipped(world.gateway)
  expect(books).toMatchObject({ produced: 4, shipped: 4, dropped: {} })
  await expectKept(world.ids, world.path, world.stateDir)
  await expectAccounted(world.path, world.stateDir, books)
  const all = await omitted(world.path)
  expect(all[0]).toBe('')
  expect(new Set(all.slice(1, -1))).toEqual(new Set(['too_large']))
  expect(all.at(-1)).toBe('')
  await world.stop()
})

const configOf = (rules: object): string =>
  JSON.stringify({ records: { redact: { features: rules } } })

const hasFeatures = async (world: RecordedGateway): Promise<boolean> => {
  const columns = await columnsInFiles(world.path)
  return [...columns].some((name) => name.startsWith('f_'))
}

test('a redaction rule that fits nothing keeps features out until it is mended', async () => {
  const config = join(makeTempDir('config'), 'sluice.yaml')
  writeFileSync(config, configOf({ no_such_feature: 'drop' }))
  const world = await startRecorded({ ...SMALL, config, records: { DURABILITY: 'process' } })
  await world.ask(5)
  expect(await untilShipped(world.gateway)).toMatchObject({ shipped: 5, dropped: {} })
  expect(world.gateway.logs()).toContain('records_policy_unmatched')
  expect(await hasFeatures(world)).toBe(false)
  const { epoch } = await world.gateway.status()
  writeFileSync(config, configOf({ carrier: 'drop' }))
  world.gateway.reload()
  await until(async () => (await world.gateway.status()).epoch > epoch, { what: 'another epoch' })
  await world.ask(5)
  const books = await untilShipped(world.gateway)
  expect(books).toMatchObject({ shipped: 10, dropped: {} })
  const columns = await columnsInFiles(world.path)
  expect(columns).toContain('f_origin')
  expect(columns).not.toContain('f_carrier')
  await expectAccounted(world.path, world.stateDir, books)
  await world.stop()
})
