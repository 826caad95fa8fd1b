import { expect, test } from 'vitest'
import { Records } from '../../../../src/control/records/records.ts'
import { loadedConfig, REPOSITORY } from '../../../helpers/config.ts'

const configOf = (text: string) => loadedConfig(REPOSITORY + text).config.records

const shipper = (silentMs: number, failures: number) => ({
  silentMs,
  figures: { type: 'figures' as const, sinks: [], spoolBytes: 0, spoolSegments: 0, failures },
  stop: async () => {},
})

test('warnings() tell of a shipper that is silent, and of one that cannot write', () => {
  const records = new Records(configOf(''))
  expect(records.warnings()).toEqual([])
  records.ship(shipper(1000, 0))
  expect(records.warnings()).toEqual([])
  records.ship(shipper(60_000, 5))
  expect(records.warnings()).toEqual([
    'the shipper of records has said nothing for 60 s; they wait in the spool',
    'records cannot be written to records.path and wait in the spool; the log says why',
  ])
})

test('stop() stops who ships', async () => {
  const records = new Records(configOf(''))
  await records.stop(1)
  const asked: number[] = []
  records.ship({ ...shipper(0, 0), stop: async (drainMs) => void asked.push(drainMs) })
  expect(records.figures?.failures).toBe(0)
  await records.stop(7)
  expect(asked).toEqual([7])
})

test('reload() takes over what endpoints want of records', () => {
  const records = new Records(configOf(''))
  expect(records.policies.base.rate).toBe(1)
  records.reload(configOf('records: {sampling: {rate: 0.5}}'))
  expect(records.policies.base.rate).toBe(0.5)
})
