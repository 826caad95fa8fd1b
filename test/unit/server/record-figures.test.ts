import { expect, test } from 'vitest'
import { GAP_REASON } from '../../../src/records/reasons.ts'
import { RING_DOUBLE, RING_WORD, SPOOL_STATE } from '../../../src/records/ring/record-ring.ts'
import {
  ANSWER_FIGURE,
  mapRecordMemory,
  recordMemoryBytes,
  SPOOL_FIGURE,
} from '../../../src/records/spool/spool-memory.ts'
import { recordFigures } from '../../../src/server/record-figures.ts'

const RING_BYTES = 64 * 1024

test('recordFigures() adds up what data threads and spool thread have counted', () => {
  const block = new SharedArrayBuffer(recordMemoryBytes(2, RING_BYTES))
  const memory = mapRecordMemory(block, 2, RING_BYTES)
  const { spool, gaps, answers, rings } = memory
  for (const [thread, taken] of [70, 30].entries()) {
    rings[thread]!.headDoubles[RING_DOUBLE.TAKEN] = taken
    gaps[thread]![GAP_REASON.RING_FULL] = thread + 1
    answers[thread]![ANSWER_FIGURE.UNDURABLE] = 5
    answers[thread]![ANSWER_FIGURE.HELD] = thread
  }
  spool.figures[SPOOL_FIGURE.RECORDS] = 90
  spool.figures[SPOOL_FIGURE.FAILED + GAP_REASON.CORRUPT] = 4
  spool.figures[SPOOL_FIGURE.FAILED + GAP_REASON.RING_FULL] = 1
  rings[1]!.head[RING_WORD.SPOOL_STATE] = SPOOL_STATE.DISK_FULL
  const found = recordFigures(memory)
  expect(found).toMatchObject({ taken: [70, 30], spooled: 90, undurable: 10, held: 1 })
  expect(found.spoolState).toBe(SPOOL_STATE.DISK_FULL)
  expect(found.dropped[GAP_REASON.RING_FULL]).toBe(4)
  expect(found.dropped[GAP_REASON.CORRUPT]).toBe(4)
  expect(found.dropped.reduce((sum, count) => sum + count, 0)).toBe(8)
})
