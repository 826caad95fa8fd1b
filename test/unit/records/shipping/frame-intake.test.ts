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
  const isWhole = intake.take(producer, { kind: FRAME.RECORDS, payload }, account, new Map())
  return { totals: intake.totals, account: producer.account, gaps, isWhole }
}

test('take() counts records by sequence, and shadows apart', () => {
  const { totals, account, isWhole } = take([record(1), record(1, SHADOW), record(2), record(2)])
  expect(totals).toMatchObject({ records: 2, shadows: 1, duplicates: 1 })
  expect(account.records).toBe(2)
  expect(isWhole).toBe(true)
})

test('a shadow that cannot be read says nothing of its answer', () => {
  const unreadable = [{ sequence: 1, isShadow: true }]
  const { totals, account, gaps } = take([record(1), record(1, SHADOW)], unreadable)
  expect(totals).toMatchObject({ records: 1, shadows: 0, gaps: {} })
  expect(account).toMatchObject({ records: 1, gaps: {} })
  expect(gaps).toEqual([])
})

test('a record that cannot be read is a gap', () => {
  const { totals, account, gaps } = take([record(1)], [{ sequence: 1, isShadow: false }])
  expect(totals).toMatchObject({ records: 0, gaps: { corrupt: 1 } })
  expect(account).toMatchObject({ records: 0, gaps: { corrupt: 1 } })
  expect(gaps).toEqual(['1-1 corrupt'])
})

test('take() says that something cannot be told, and takes the rest', () => {
  const wrong = gapEntry([{ from: 2, to: 3, reason: 2 }])
  new Int32Array(wrong.buffer).fill(-1, 3)
  const { totals, isWhole } = take([record(1), wrong, record(4)])
  expect(isWhole).toBe(false)
  expect(totals.records).toBe(2)
})
