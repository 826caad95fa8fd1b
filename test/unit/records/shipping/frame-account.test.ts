import { expect, test } from 'vitest'
import { accountOf } from '../../../../src/records/shipping/frame-account.ts'
import { FRAME, writeAccount } from '../../../../src/records/spool/segment-format.ts'

test('accountOf() reads the account of kinds that have one, and of no other', () => {
  const account = { thread: 2, count: 1, floor: 5, taken: 9 }
  const payload = new Uint8Array(32)
  writeAccount(payload, 0, account)
  const found = (kind: number) => accountOf({ kind, payload })
  for (const kind of [FRAME.RECORDS, FRAME.GAPS, FRAME.BEGIN, FRAME.END]) {
    expect(found(kind)).toEqual(account)
  }
  for (const kind of [FRAME.HEADER, FRAME.LAYOUT, FRAME.SEAL, 99]) expect(found(kind)).toBeNull()
  expect(accountOf({ kind: FRAME.END, payload: payload.subarray(0, 8) })).toBeNull()
})

test('accountOf() takes the floor behind what is damaged from END alone', () => {
  const account = { thread: 2, count: 1, floor: 5, taken: 9 }
  const payload = new Uint8Array(32)
  writeAccount(payload, 0, account)
  const floorOf = (kind: number) => accountOf({ kind, payload }, true)?.floor
  expect(accountOf({ kind: FRAME.GAPS, payload }, true)?.floorSeen).toBe(5)
  expect([FRAME.RECORDS, FRAME.GAPS, FRAME.BEGIN].map(floorOf)).toEqual([1, 1, 1])
  expect(accountOf({ kind: FRAME.END, payload }, true)).toEqual(account)
})
