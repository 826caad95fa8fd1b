import { expect, test } from 'vitest'
import { FrameIntake } from '../../../../src/records/shipping/frame-intake.ts'
import { ProducerLog } from '../../../../src/records/shipping/producer-log.ts'
import { ACCOUNT_BYTES, FRAME } from '../../../../src/records/spool/segment-format.ts'
import { gapEntry, recordEntry } from '../../../helpers/ring-entries.ts'

const record = (sequence: number, role = 0) =>
  recordEntry({ sequence, layout: 2, payloadBytes: 0, role })
const SHADOW = 1

/** Takes entries as one frame; `unreadable` are those that the sink calls so. */
const take = (
  entries: readonly Uint8Array[],
  unreadable: readonly { sequence: number; isShadow: boolean }[] = [],
  isSetAside = false,
) => {
  const gaps: string[] = []
  const intake = new FrameIntake({
    held: { rows: 0, bytes: 0 },
    write: () => unreadable,
    gap: ({ from, to, reason }) => gaps.push(`${from}-${to} ${reason}`),
  })
  const producer = new ProducerLog('g.0.0-1', null)
  const payload = new Uint8Array(Buffer.concat([new Uint8Array(ACCOUNT_BYTES), ...entries]))
  const account = { floor: 10, taken: 9 }
  const frame = { kind: FRAME.RECORDS, payload }
  if (isSetAside) intake.setAside(producer, frame, account)
  const taken = isSetAside ? null : intake.take(producer, frame, account, new Map())
  return { totals: intake.totals, account: producer.account, gaps, taken }
}

test('take() counts records by sequence, and shadows apart', () => {
  const { totals, account, taken } = take([record(1), record(1, SHADOW), record(2), record(2)])
  expect(totals).toMatchObject({ records: 2, shadows: 1, duplicates: 1 })
  expect(account.records).toBe(2)
  expect(taken).toEqual({ isWhole: true, unreadable: 0, isDoubtful: false })
})

test('a shadow that cannot be read says nothing of its answer', () => {
  const unreadable = [{ sequence: 1, isShadow: true }]
  const { totals, account, gaps } = take([record(1), record(1, SHADOW)], unreadable)
  expect(totals).toMatchObject({ records: 1, shadows: 0, gaps: {} })
  expect(account).toMatchObject({ records: 1, gaps: {} })
  expect(gaps).toEqual([])
})

test('a record that cannot be read is a gap', () => {
  const { totals, account, gaps, taken } = take([record(1)], [{ sequence: 1, isShadow: false }])
  expect(totals).toMatchObject({ records: 0, gaps: { corrupt: 1 } })
  expect(account).toMatchObject({ records: 0, gaps: { corrupt: 1 } })
  expect(gaps).toEqual(['1-1 corrupt'])
  expect(taken).toEqual({ isWhole: true, unreadable: 1, isDoubtful: false })
})

test('take() says that something cannot be told, and takes the rest', () => {
  const wrong = gapEntry([{ from: 2, to: 3, reason: 2 }])
  new Int32Array(wrong.buffer).fill(-1, 3)
  const { totals, taken } = take([record(1), wrong, record(4)])
  expect(taken?.isWhole).toBe(false)
  expect(totals.records).toBe(2)
})

test('take() leaves out what has a number that no record can have', () => {
  const numbers = [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, 0, -1, 1.5]
  const { totals, account, taken } = take([...numbers.map((n) => record(n)), record(1)])
  expect(taken?.isWhole).toBe(false)
  expect(totals.records).toBe(1)
  expect(account).toMatchObject({ records: 1, taken: 9 })
})

test('setAside() explains every record of a frame once, and its gaps', () => {
  const entries = [record(1), record(2), record(2, SHADOW), record(2)]
  const known = gapEntry([{ from: 3, to: 4, reason: 2 }])
  const { totals, account, gaps } = take([...entries, known, record(7), record(9)], [], true)
  expect(gaps).toEqual(['1-2 unshippable', '3-4 ring_full', '7-7 unshippable', '9-9 unshippable'])
  expect(totals).toMatchObject({ records: 0, gaps: { ring_full: 2, unshippable: 4 } })
  expect(account).toMatchObject({ floor: 10, taken: 9, gaps: { ring_full: 2, unshippable: 4 } })
})
