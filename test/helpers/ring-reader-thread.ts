/**
 * The other end of a ring in a thread of its own: reads what comes until the producer has ended and
 * the ring is empty, and says what it saw.
 */

import { parentPort, workerData } from 'node:worker_threads'
import {
  checkEntry,
  ENTRY_KIND,
  entrySequence,
  KIND_AT,
  UNIT_BYTES,
} from '../../src/records/entry.ts'
import { readGaps } from '../../src/records/entry-reader.ts'
import {
  drain,
  giveBack,
  isEmpty,
  mapRecordRing,
  RING_DOUBLE,
} from '../../src/records/ring/record-ring.ts'

/** What the reader of a ring saw, in sums. */
export interface RingFindings {
  records: number
  missing: number
  /** Entries whose check does not agree, or that came out of order. */
  bad: number
  /** Numbers below the floor that had neither record nor gap when the floor was read. */
  early: number
}

const { buffer, capacity, ended } = workerData as {
  buffer: SharedArrayBuffer
  capacity: number
  ended: SharedArrayBuffer
}
const ring = mapRecordRing(buffer, 0, capacity)
const end = new Int32Array(ended)
const found: RingFindings = { records: 0, missing: 0, bad: 0, early: 0 }
let last = 0
let turns = 0

const take = (from: number, to: number): boolean => {
  if (!checkEntry(ring.words, from, to)) found.bad++
  else if (ring.words[(from >> 2) + KIND_AT] === ENTRY_KIND.GAP) {
    for (const gap of readGaps(ring.bytes.slice(from, to))) found.missing += gap.to - gap.from + 1
  } else {
    const sequence = entrySequence(ring.words, ring.doubles, from / UNIT_BYTES)
    if (sequence <= last) found.bad++
    last = sequence
    found.records++
  }
  return true
}

parentPort?.postMessage('ready')
for (let isLast = false; !isLast; ) {
  isLast = Atomics.load(end, 0) === 1
  const floor = ring.headDoubles[RING_DOUBLE.FLOOR]!
  if (drain(ring, take) < 0) found.bad++
  // Seldom, so that the ring fills up.
  turns++
  if (turns % 4096 === 0 || isLast) giveBack(ring)
  if (floor - 1 > found.records + found.missing) found.early++
  isLast &&= isEmpty(ring)
}
parentPort?.postMessage(found)
