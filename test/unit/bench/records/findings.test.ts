import { expect, test } from 'vitest'
import {
  moreUs,
  pairedShares,
  recordGatesOf,
  recordLinesOf,
} from '../../../../bench/records/findings.ts'
import type { RecordsTrial } from '../../../../bench/records/trials.ts'

const trial = (given: Partial<RecordsTrial>): RecordsTrial => ({
  ...{ server: 'echo', round: 1, connections: 128, isOpen: false, path: '/', rows: 1 },
  ...{ requests: 1000, failures: 0, perSecond: 1000, p50Us: 10, p99Us: 20 },
  ...{ dataCpuUs: 6, allCpuUs: 8, spoolCpuUs: Number.NaN, settledCpuUs: 9 },
  ...given,
})

const of = (server: string, dataCpuUs: number, more: Partial<RecordsTrial> = {}): RecordsTrial =>
  trial({ server, dataCpuUs, ...more })

const met = (trials: readonly RecordsTrial[]) =>
  Object.fromEntries(recordGatesOf(trials).map(({ name, isMet }) => [name.slice(0, 18), isMet]))

test('recordGatesOf() judges each trial by its neighbours', () => {
  const trials = [
    ...[of('echo', 6), of('off', 8), of('memory', 8.75, { spoolCpuUs: 1.5 })],
    ...[of('echo', 12), of('off', 16), of('memory', 13, { spoolCpuUs: 3 }), of('echo', 12)],
  ]
  expect(met(trials)).toEqual({
    'more CPU of the da': true,
    'CPU of the spool t': true,
    'CPU of the echo / ': true,
  })
  expect(met([of('echo', 6), of('off', 8), of('memory', 9, { spoolCpuUs: 2.1 })])).toEqual({
    'more CPU of the da': false,
    'CPU of the spool t': false,
    'CPU of the echo / ': false,
  })
})

test('moreUs() is the usual share more of the lowest cost without records', () => {
  const slow = [of('off', 20), of('memory', 22), of('off', 20)]
  const quick = [of('memory', 11), of('off', 10), of('memory', 11)]
  expect(moreUs([...slow, ...quick], 'memory')).toBeCloseTo(1)
  expect(moreUs([of('off', 8)], 'memory')).toBeNaN()
})

test('recordGatesOf() leaves out what has no trials', () => {
  expect(recordGatesOf([])).toEqual([])
  expect(recordGatesOf([of('echo', 6), of('off', 8)])).toEqual([])
})

test('pairedShares() compares medians of one round, at so many connections', () => {
  const at = (server: string, round: number, perSecond: number, connections = 128) =>
    trial({ server, round, perSecond, connections })
  const trials = [
    ...[at('memory', 1, 100), at('memory', 1, 300), at('process', 1, 100)],
    ...[at('memory', 2, 1000), at('process', 2, 900), at('process', 3, 1)],
    ...[at('memory', 1, 5, 16), at('process', 1, 4, 16)],
  ]
  expect(pairedShares(trials, ['process', 'memory'], 128)).toEqual([0.5, 0.9])
  expect(pairedShares(trials, ['process', 'memory'], 16)).toEqual([0.8])
  expect(pairedShares(trials, ['process', 'memory'], 1)).toEqual([])
})

test('recordLinesOf() has a line for each server and number of connections', () => {
  const lines = recordLinesOf([of('off', 8), of('off', 10, { failures: 2 }), trial({})])
  expect(lines.map(({ what, trials, failures }) => ({ what, trials, failures }))).toEqual([
    { what: 'x128 off', trials: 2, failures: 2 },
    { what: 'x128 echo', trials: 1, failures: 0 },
  ])
  expect(lines[0]!.dataCpuUs).toEqual({ lowest: 8, median: 9, highest: 10 })
})
