import { expect, test } from 'vitest'
import { shareBeside, sharesBeside } from '../../../../bench/measure/beside.ts'
import type { Trial } from '../../../../bench/measure/trial.ts'

const trial = (server: string, dataCpuUs: number): Trial => ({
  ...{ server, dataCpuUs, round: 1, connections: 128, isOpen: false, path: '/', rows: 1 },
  ...{ requests: 1, failures: 0, perSecond: 1, allCpuUs: dataCpuUs, p50Us: 1, p99Us: 1 },
})

const trials = [trial('echo', 6), trial('ours', 10), trial('other', 1), trial('echo again', 8)]

test('a trial is judged by the mean of its neighbours among the baseline', () => {
  expect(sharesBeside(trials, 'ours', ['echo', 'echo again'])).toEqual([0.7])
  expect(sharesBeside(trials, 'ours', ['echo'])).toEqual([0.6])
  expect(sharesBeside(trials, 'echo again', ['echo'])).toEqual([0.75])
  expect(sharesBeside(trials, 'ours', ['echo'], () => 12)).toEqual([0.5])
})

test('of all trials the middle one counts: a lucky second of one server changes nothing', () => {
  const slow = [trial('echo', 12), trial('ours', 20), trial('echo again', 16)]
  const lucky = [trial('echo', 12), trial('ours', 10), trial('echo again', 16)]
  expect(shareBeside([...trials, ...lucky, ...slow], 'ours')).toBe(0.7)
})

test('what has nothing beside it is not judged', () => {
  expect(sharesBeside([trial('ours', 1)], 'ours', ['echo'])).toEqual([])
  expect(shareBeside([trial('echo', 1)], 'ours')).toBeNaN()
})
