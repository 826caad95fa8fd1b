import { expect, test } from 'vitest'
import { checkEntry, ENTRY_WORD } from '../../../../src/records/entry.ts'
import {
  drain,
  mapRecordRing,
  RING_WORD,
  recordRingBytes,
  writtenEnd,
} from '../../../../src/records/ring/record-ring.ts'
import { lockForSpool, lockForWriter, unlock, unsay } from '../../../../src/records/ring/unsaid.ts'
import { putEntry, recordEntry } from '../../../helpers/ring-entries.ts'

const BYTES = 64 * 1024
const UNSAID = { role: 3, code: 17, status: 503 }

const makeRing = () => {
  const buffer = new SharedArrayBuffer(recordRingBytes(BYTES))
  return { ring: mapRecordRing(buffer, 0, BYTES), reader: mapRecordRing(buffer, 0, BYTES) }
}

test('what is unsaid is a whole record that says something else, and its neighbours do not', () => {
  const { ring, reader } = makeRing()
  // Around the end of the ring as well.
  for (let sequence = 1, start = 0; sequence <= 60; sequence++) {
    for (const more of [0, 1, 2]) {
      putEntry(ring, recordEntry({ sequence: sequence * 3 + more, layout: 1, payloadBytes: 1500 }))
      if (more === 1) start = ring.claimed
      if (more !== 1) continue
      expect(unsay(ring, { start, end: writtenEnd(ring) }, UNSAID)).toBe(true)
    }
    const found: unknown[] = []
    drain(reader, (from, to) => {
      expect(checkEntry(reader.words, from, to)).toBe(true)
      const at = from >> 2
      const { ROLE, CODE, STATUS } = ENTRY_WORD
      found.push([ROLE, CODE, STATUS].map((word) => reader.words[at + word]))
      return true
    })
    const before = found[0]
    expect(found).toEqual([before, [3, 17, 503], before])
    for (const word of [RING_WORD.READ, RING_WORD.DURABLE]) {
      Atomics.store(ring.head, word, reader.drained)
    }
  }
})

test('what is durable stays as it is', () => {
  const { ring } = makeRing()
  putEntry(ring, recordEntry({ sequence: 1, layout: 1, payloadBytes: 100 }))
  const [start, end] = [ring.claimed, writtenEnd(ring)]
  Atomics.store(ring.head, RING_WORD.DURABLE, end)
  const before = ring.words.slice(0, 100)
  expect(unsay(ring, { start, end }, UNSAID)).toBe(false)
  expect(ring.words.slice(0, 100)).toEqual(before)
})

test('one of the two has the lock', () => {
  const { ring } = makeRing()
  expect(lockForWriter(ring)).toBe(true)
  expect(lockForWriter(ring)).toBe(false)
  unlock(ring)
  lockForSpool(ring)
  expect(lockForWriter(ring)).toBe(false)
  // Another spool thread, in the place of one that has died.
  lockForSpool(ring)
  unlock(ring)
  expect(lockForWriter(ring)).toBe(true)
})

test('the spool thread waits for the writer, but not for one that has died', () => {
  const { ring } = makeRing()
  expect(lockForWriter(ring)).toBe(true)
  let waits = 0
  const wait = () => {
    if (++waits === 3) unlock(ring)
  }
  lockForSpool(ring, wait)
  expect([waits, lockForWriter(ring)]).toEqual([3, false])
  unlock(ring)
  expect(lockForWriter(ring)).toBe(true)
  lockForSpool(ring, wait)
  expect([waits, lockForWriter(ring)]).toEqual([103, false])
})
