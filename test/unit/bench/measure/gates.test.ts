import { expect, test } from 'vitest'
import { gatesOf, lineOf, select } from '../../../../bench/measure/gates.ts'
import type { Trial } from '../../../../bench/measure/trial.ts'

const PATH = '/predict/mlp'
const BINARY = '/v2/models/mlp/infer?binary'
const PATHS = { usual: PATH, binary: BINARY }

const trial = (server: string, more: Partial<Trial>): Trial => ({
  server,
  round: 1,
  connections: 128,
  isOpen: false,
  path: server === 'sluice' ? PATH : '/',
  rows: 1,
  requests: 1000,
  failures: 0,
  perSecond: 1000,
  dataCpuUs: 8,
  allCpuUs: 9,
  p50Us: 100,
  p99Us: 200,
  ...more,
})

test('gatesOf() is empty without trials to compare', () => {
  expect(gatesOf([], PATHS)).toEqual([])
  expect(gatesOf([trial('sluice', {})], PATHS)).toEqual([])
})

test('gatesOf() compares our CPU with that of the echo right before and behind', () => {
  const gates = gatesOf(
    [
      trial('echo', { dataCpuUs: 7 }),
      trial('sluice', { dataCpuUs: 10, allCpuUs: 12 }),
      trial('echo again', { dataCpuUs: 9 }),
      // A slow second, and then one that nobody but the echo was lucky to have.
      trial('sluice', { dataCpuUs: 20, allCpuUs: 25 }),
      trial('echo', { dataCpuUs: 21 }),
      trial('echo again', { dataCpuUs: 4 }),
      trial('sluice', { dataCpuUs: 10, allCpuUs: 20 }),
    ],
    PATHS,
  )
  expect(gates.map(({ value, isMet }) => [value, isMet])).toEqual([
    [0.75, true],
    [0.6, false],
  ])
})

test('gatesOf() leaves the open loop, other forms of request and other loads out', () => {
  const gates = gatesOf(
    [
      trial('echo', { dataCpuUs: 8 }),
      trial('sluice', { dataCpuUs: 10, allCpuUs: 10 }),
      trial('sluice', { dataCpuUs: 1, allCpuUs: 1, isOpen: true }),
      trial('sluice', { dataCpuUs: 1, allCpuUs: 1, path: '/v2/models/mlp/infer' }),
      trial('sluice', { dataCpuUs: 1, allCpuUs: 1, connections: 16 }),
    ],
    PATHS,
  )
  expect(gates.map(({ value }) => value)).toEqual([0.8, 0.8])
})

test('gatesOf() compares median throughput with FastAPI at 128 and at 1 connections', () => {
  const at = (connections: number, ours: number, theirs: number): Trial[] => [
    trial('sluice', { connections, perSecond: ours }),
    trial('fastapi', { connections, perSecond: theirs }),
  ]
  const gates = gatesOf([...at(128, 90_000, 10_000), ...at(1, 3_000, 2_000)], PATHS)
  expect(gates.map(({ value, isMet }) => [value, isMet])).toEqual([
    [9, true],
    [1.5, false],
  ])
})

test('select() takes closed loops unless asked for the open one', () => {
  const closed = trial('echo', {})
  const open = trial('echo', { isOpen: true })
  expect(select([closed, open], { server: 'echo', connections: 128 })).toEqual([closed])
  expect(select([closed, open], { server: 'echo', connections: 128, isOpen: true })).toEqual([open])
})

test('lineOf() adds failures up and takes lowest CPU and median latency', () => {
  const line = lineOf('echo', [
    trial('echo', { dataCpuUs: 8, p99Us: 300, failures: 2 }),
    trial('echo', { dataCpuUs: 7, p99Us: 100, failures: 1 }),
    trial('echo', { dataCpuUs: 9, p99Us: 200 }),
  ])
  expect(line).toMatchObject({ rounds: 3, failures: 3, dataCpuUs: 7, p99Us: { median: 200 } })
})

test('gatesOf() wants 1.2 million binary rows of the cheapest second of CPU', () => {
  const binary = (dataCpuUs: number) => trial('sluice', { path: BINARY, rows: 64, dataCpuUs })
  const [met, ...more] = gatesOf([binary(80), binary(50), binary(60)], PATHS)
  expect(more).toEqual([])
  expect(met).toMatchObject({ value: 1_280_000, isMet: true })
  expect(gatesOf([binary(54)], PATHS)).toMatchObject([{ isMet: false }])
})
