import { expect, test } from 'vitest'
import {
  type CallTrial,
  callGatesOf,
  callLinesOf,
  remarksOf,
} from '../../../../bench/grpc/findings.ts'

const trial = (server: string, more: Partial<CallTrial>): CallTrial => ({
  ...{ server, round: 1, connections: 8, streams: 16, isOpen: false, path: '/m', rows: 1 },
  ...{ requests: 1000, failures: 0, perSecond: 1000, dataCpuUs: 30, allCpuUs: 35 },
  ...{ p50Us: 100, p99Us: 200 },
  ...more,
})

const overHttp = (more: Partial<CallTrial>): CallTrial =>
  trial('sluice', { connections: 128, streams: null, rows: 64, ...more })

test('callGatesOf() is empty without trials to compare', () => {
  expect(callGatesOf([])).toEqual([])
  expect(callGatesOf([trial('sluice', {}), overHttp({})])).toEqual([])
  expect(remarksOf([])).toEqual([])
})

test('callGatesOf() divides our lowest CPU of a call by the lowest of the echo', () => {
  const trials = [
    trial('grpc-js', { dataCpuUs: 31 }),
    trial('sluice', { dataCpuUs: 33 }),
    trial('grpc-js', { dataCpuUs: 30 }),
    trial('sluice', { dataCpuUs: 36 }),
  ]
  expect(callGatesOf(trials)).toMatchObject([
    { value: 1.1, wanted: 1.15, isMost: true, isMet: true },
  ])
  const dear = trials.map((one) => (one.server === 'sluice' ? { ...one, dataCpuUs: 36 } : one))
  expect(callGatesOf(dear)).toMatchObject([{ value: 1.2, isMet: false }])
})

test('callGatesOf() leaves other loads, other rows and HTTP out of the price of a call', () => {
  const trials = [
    trial('grpc-js', {}),
    trial('sluice', {}),
    trial('sluice', { dataCpuUs: 1, connections: 1, streams: 1 }),
    trial('grpc-js', { dataCpuUs: 1, connections: 16, streams: 8 }),
    trial('grpc-js', { dataCpuUs: 1, rows: 64 }),
    trial('grpc-js again', { dataCpuUs: 1 }),
  ]
  expect(callGatesOf(trials)).toMatchObject([{ value: 1 }])
})

test('callGatesOf() compares rows a second of CPU of batches by gRPC and by HTTP', () => {
  const trials = [
    trial('sluice', { rows: 64, dataCpuUs: 80 }),
    trial('sluice', { rows: 64, dataCpuUs: 100 }),
    overHttp({ dataCpuUs: 60 }),
    overHttp({ dataCpuUs: 70 }),
  ]
  expect(callGatesOf(trials)).toMatchObject([{ value: 0.75, wanted: 0.8, isMet: false }])
})

test('remarksOf() says what the peers cost beside each other, and a row', () => {
  const remarks = remarksOf([
    trial('grpc-js', { dataCpuUs: 30 }),
    trial('grpc-js again', { dataCpuUs: 32 }),
    trial('http2', { dataCpuUs: 20 }),
    trial('sluice', { dataCpuUs: 33 }),
    trial('grpc-js', { rows: 64, dataCpuUs: 40 }),
    trial('sluice', { rows: 64, dataCpuUs: 80, perSecond: 9_000 }),
    overHttp({ dataCpuUs: 64, perSecond: 12_000 }),
  ])
  expect(remarks).toEqual([
    'A/A of the grpc-js echo, CPU: 0.938',
    'CPU of a call, our data thread / bare node:http2: 1.650',
    'CPU of a call, grpc-js echo / bare node:http2: 1.500',
    'CPU of 64 rows, our data thread / grpc-js echo: 2.000',
    '64 rows a call, answers a second, gRPC / HTTP: 0.750',
    'CPU of a row: 1.250 us over gRPC, 1.000 us over HTTP',
  ])
})

test('callLinesOf() has a line for each load, server and number of rows', () => {
  const lines = callLinesOf([
    trial('grpc-js', { dataCpuUs: 30 }),
    trial('grpc-js', { dataCpuUs: 28, failures: 2 }),
    trial('grpc-js', { connections: 1, streams: 1 }),
    trial('sluice', { rows: 64 }),
    overHttp({}),
  ])
  expect(lines.map(({ what }) => what.replaceAll(/ +/g, ' '))).toEqual([
    '8x16 grpc-js',
    '1x1 grpc-js',
    '8x16 sluice 64 rows',
    '128 HTTP/1.1 sluice 64 rows',
  ])
  expect(lines[0]).toMatchObject({ rounds: 2, failures: 2, dataCpuUs: 28 })
})
