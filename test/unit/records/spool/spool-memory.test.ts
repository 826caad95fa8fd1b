import { expect, test } from 'vitest'
import { GAP_REASON_COUNT } from '../../../../src/records/reasons.ts'
import {
  mapRecordMemory,
  recordMemoryBytes,
  ringBell,
  SPOOL_FIGURE,
} from '../../../../src/records/spool/spool-memory.ts'
import { THREAD_WORDS } from '../../../../src/shared/shared-memory.ts'

const RING_BYTES = 64 * 1024

test('no two views share a byte, and all fit', () => {
  const buffer = new SharedArrayBuffer(recordMemoryBytes(3, RING_BYTES))
  const { spool, gaps, rings } = mapRecordMemory(buffer, 3, RING_BYTES)
  const views = [
    ...[spool.words, spool.gauges, spool.figures, ...gaps],
    ...rings.flatMap(({ head, bytes }) => [head, bytes]),
  ]
  let end = 0
  for (const { byteOffset, byteLength } of views) {
    expect(byteOffset).toBeGreaterThanOrEqual(end)
    end = byteOffset + byteLength
  }
  expect(end).toBe(buffer.byteLength)
  expect(rings.map(({ head }) => head.byteOffset % 64)).toEqual([0, 0, 0])
  expect(spool.figures.length).toBe(SPOOL_FIGURE.FAILED + GAP_REASON_COUNT)
  expect(() => mapRecordMemory(buffer, 2, RING_BYTES)).toThrow(RangeError)
})

test('the bell wakes whoever sleeps, once', async () => {
  const buffer = new SharedArrayBuffer(recordMemoryBytes(1, RING_BYTES))
  const { words } = mapRecordMemory(buffer, 1, RING_BYTES).spool
  const sleep = Atomics.waitAsync(words, THREAD_WORDS.BELL, 0)
  ringBell(words)
  expect(await sleep.value).toBe('ok')
  expect(words[THREAD_WORDS.BELL]).toBe(1)
  ringBell(words)
  expect(words[THREAD_WORDS.BELL]).toBe(1)
})
