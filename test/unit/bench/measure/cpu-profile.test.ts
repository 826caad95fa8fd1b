import { expect, test } from 'vitest'
import {
  busyUs,
  type CpuProfile,
  IDLE,
  moduleOf,
  selfTimes,
} from '../../../../bench/measure/cpu-profile.ts'

const ROOT = '/checkout/'
const ALL = { fromUs: 0, toUs: 1_000 }

test('moduleOf() names packages, parts of Node and folders', () => {
  const modules = [
    ['file:///checkout/node_modules/@grpc/grpc-js/build/src/server.js', '@grpc/grpc-js'],
    ['/elsewhere/node_modules/a/node_modules/b/index.js', 'b'],
    ['node:internal/http2/core', 'node:http2'],
    ['node:internal/streams/writable', 'node:stream'],
    ['node:internal/stream_base_commons', 'node:stream'],
    ['node:events', 'node: all else'],
    ['file:///checkout/src/server/infer.ts', 'src/server'],
    ['file:///checkout/src/server/protocols/oip/decode.ts', 'src/server/protocols'],
    ['file:///checkout/src/runtime/session.ts', 'ONNX Runtime'],
    ['file:///checkout/src/runtime/batcher.ts', 'src/runtime'],
  ] as const
  for (const [url, module] of modules) expect(moduleOf(url, ROOT)).toBe(module)
})

const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
  ...{ id, children },
  callFrame: { functionName, url },
})

/** One sample for each place, 10 us apart, from 100 on. */
const profileOf = (samples: readonly number[]): CpuProfile => ({
  nodes: [
    node(1, '(root)', '', [2, 3, 4, 5, 7]),
    node(2, '(idle)', ''),
    node(3, '(program)', ''),
    node(4, '(garbage collector)', ''),
    node(5, 'answer', 'file:///checkout/src/server/infer.ts', [6, 8]),
    node(6, 'writeBuffer', ''),
    node(7, 'constructor', 'node:internal/http2/core'),
    node(8, 'runSession', 'file:///checkout/src/runtime/session.ts', [9]),
    node(9, 'run', ''),
  ],
  startTime: 100,
  samples,
  timeDeltas: samples.map((_, i) => (i === 0 ? 0 : 10)),
})

test('selfTimes() gives native functions to what calls them, and every sample until the next', () => {
  const times = selfTimes(profileOf([5, 6, 9, 9, 7, 3, 4, 2, 2]), ALL, ROOT)
  expect(Object.fromEntries(times)).toEqual({
    'src/server': 20,
    'ONNX Runtime': 20,
    'node:http2': 10,
    'outside JavaScript (nghttp2, sockets, event loop)': 10,
    'garbage collection': 10,
    [IDLE]: 10,
  })
  expect(busyUs(times)).toBe(70)
})

test('selfTimes() leaves out what was before the span and behind it', () => {
  const times = selfTimes(profileOf([5, 7, 7, 5]), { fromUs: 110, toUs: 125 }, ROOT)
  expect(Object.fromEntries(times)).toEqual({ 'node:http2': 10 })
  const never = selfTimes(profileOf([5, 7]), { fromUs: 500, toUs: 600 }, ROOT)
  expect(busyUs(never)).toBe(0)
})

test('selfTimes() of a profile without samples is empty', () => {
  expect(selfTimes(profileOf([]), ALL, ROOT).size).toBe(0)
})
