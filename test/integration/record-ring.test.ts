/** A ring between two threads that run at the same time. */

import { once } from 'node:events'
import { expect, test } from 'vitest'
import { GAP_REASON, GAP_REASON_COUNT } from '../../src/records/reasons.ts'
import { RecordWriter } from '../../src/records/record-writer.ts'
import { GapBook } from '../../src/records/ring/gap-book.ts'
import { mapRecordRing, recordRingBytes } from '../../src/records/ring/record-ring.ts'
import { makeWriteFacts } from '../../src/records/write-facts.ts'
import { writePlanOf } from '../../src/records/write-plan.ts'
import { spawnThread } from '../../src/shared/threads.ts'
import { caseOf } from '../helpers/record-cases.ts'
import type { RingFindings } from '../helpers/ring-reader-thread.ts'

const CAPACITY = 64 * 1024
const REQUESTS = 200_000

test('every number is a whole record or a gap, in order, and never below the floor before', async () => {
  const buffer = new SharedArrayBuffer(recordRingBytes(CAPACITY))
  const ended = new SharedArrayBuffer(4)
  const data = { buffer, capacity: CAPACITY, ended }
  const reader = spawnThread('../test/helpers/ring-reader-thread.ts', 'ring-reader', data)
  await once(reader, 'message')
  const counts = new Float64Array(GAP_REASON_COUNT)
  const writer = new RecordWriter({
    ring: mapRecordRing(buffer, 0, CAPACITY),
    ...{ gaps: new GapBook(counts), producer: 'gw.1.0-7', recordBytesMax: CAPACITY },
  })
  const row = {
    note: 'n'.repeat(40),
    age: 1,
    isNew: true,
    color: 'red',
    height: 1,
    id: 1,
    count: 1,
  }
  const given = caseOf([{ ...row, scores: [0.5, 0.25], label: 'yes' }], 0)
  const plan = writePlanOf(given.layout)
  const facts = Object.assign(makeWriteFacts(), { inputs: given.inputs, results: given.results })
  for (let i = 0; i < REQUESTS; i++) {
    facts.sequence = writer.takeSequence()
    facts.rows = i % 3 === 0 ? 0 : 1
    if (i % 11 === 0) writer.skip(facts.sequence, GAP_REASON.SAMPLED)
    else writer.write(plan, facts)
    if (i % 500 === 0) writer.flush()
  }
  const found = once(reader, 'message')
  while (!writer.close());
  Atomics.store(new Int32Array(ended), 0, 1)
  const [findings] = (await found) as [RingFindings]
  const missing = counts.reduce((sum, each) => sum + each, 0)
  expect(findings).toEqual({ records: REQUESTS - missing, missing, bad: 0, early: 0 })
  expect(counts[GAP_REASON.RING_FULL]).toBeGreaterThan(0)
  expect(findings.records).toBeGreaterThan(1000)
  await reader.terminate()
})
