import { expect, test } from 'vitest'
import { newAccount } from '../../../../src/records/shipping/account.ts'
import { ProducerLog } from '../../../../src/records/shipping/producer-log.ts'

const gaps: string[] = []
const onGap = (from: number, to: number, reason: string) => gaps.push(`${from}-${to} ${reason}`)
const WHOLE = { isDamaged: false, isTorn: false }
const log = () => {
  gaps.length = 0
  return new ProducerLog('g.0.0-1', null)
}

test('record() counts every sequence once, and shadows apart', () => {
  const producer = log()
  expect([1, 2, 1].map((sequence) => producer.record(sequence, false))).toEqual([true, true, false])
  expect([1, 1].map((sequence) => producer.record(sequence, true))).toEqual([true, false])
  expect(producer.account).toMatchObject({ records: 2, taken: 2 })
})

test('explain() counts by reason what was not settled before', () => {
  const producer = log()
  producer.record(3, false)
  producer.explain(1, 5, 'ring_full', onGap)
  producer.explain(4, 6, 'sampled', onGap)
  expect(gaps).toEqual(['1-2 ring_full', '4-5 ring_full', '6-6 sampled'])
  expect(producer.account.gaps).toEqual({ ring_full: 4, sampled: 1 })
})

test('a record that comes after its gap is a record', () => {
  const producer = log()
  producer.explain(1, 3, 'several', onGap)
  expect(producer.record(2, false)).toBe(true)
})

test('finish() says that a producer ended in order only where it did', () => {
  const ended = log()
  ended.record(1, false)
  ended.end()
  ended.advance({ floor: 2, taken: 1 })
  ended.finish(WHOLE, onGap)
  expect(ended.account).toMatchObject({ state: 'ended', floor: 2, taken: 1 })
  const killed = log()
  killed.record(1, false)
  killed.advance({ floor: 2, taken: 4 })
  killed.finish(WHOLE, onGap)
  expect(killed.account).toMatchObject({ state: 'killed', floor: 5, gaps: { killed: 3 } })
  expect(gaps).toEqual(['2-4 killed'])
})

test('what is missing below the floor is corrupt only where something was lost', () => {
  const producer = log()
  producer.record(3, false)
  producer.advance({ floor: 4, taken: 3 })
  producer.finish(WHOLE, onGap)
  expect(producer.account.gaps).toEqual({})
  const damaged = log()
  damaged.record(3, false)
  damaged.advance({ floor: 4, taken: 3 })
  damaged.finish({ ...WHOLE, isDamaged: true }, onGap)
  expect(gaps).toEqual(['1-2 corrupt'])
})

test('an account alone tells that everything below its floor is shipped', () => {
  const account = { ...newAccount('g.0.0-1'), floor: 100, taken: 99, records: 99 }
  const producer = new ProducerLog('g.0.0-1', account)
  expect([50, 99, 100].map((each) => producer.record(each, false))).toEqual([false, false, true])
})

test('takeChangedText() gives the text of an account when it has changed', () => {
  const producer = log()
  expect(producer.takeChangedText()).not.toBeNull()
  expect(producer.takeChangedText()).toBeNull()
  producer.record(1, false)
  expect(producer.takeChangedText()).toMatch(/"records":1/)
})

test('place() is all that another life of the shipper needs', () => {
  const producer = log()
  for (const sequence of [1, 2, 5]) producer.record(sequence, false)
  producer.record(2, true)
  const again = new ProducerLog('g.0.0-1', JSON.parse(JSON.stringify(producer.place())))
  expect([2, 3, 5].map((each) => again.record(each, false))).toEqual([false, true, false])
  expect(again.record(2, true)).toBe(false)
  expect(again.account.records).toBe(4)
})

test('an end in order is remembered by the next process', () => {
  const first = log()
  first.record(1, false)
  first.end()
  first.advance({ floor: 2, taken: 1 })
  const second = new ProducerLog('g.0.0-1', JSON.parse(JSON.stringify(first.place())))
  second.finish(WHOLE, onGap)
  expect(second.account.state).toBe('ended')
})

test('what is missing below the floor of a torn stream is corrupt, its tail is not', () => {
  const torn = log()
  torn.record(3, false)
  torn.advance({ floor: 4, taken: 5 })
  torn.finish({ ...WHOLE, isTorn: true }, onGap)
  expect(gaps).toEqual(['1-2 corrupt', '4-5 killed'])
})

test('of what was lost no record counts that comes later', () => {
  const producer = log()
  producer.explain(1, 2, 'several', onGap)
  expect([producer.hasLost, producer.record(1, false)]).toEqual([false, true])
  producer.explain(3, 4, 'unshippable', onGap)
  expect([producer.hasLost, producer.record(3, false), producer.record(5, false)]).toEqual([
    ...[true, false, true],
  ])
  expect(producer.account).toMatchObject({ records: 2, gaps: { unshippable: 2 } })
  expect(new ProducerLog('g.0.0-1', producer.account).hasLost).toBe(true)
})

test('what its writer left in no segment was killed, whatever was damaged before', () => {
  const damaged = log()
  damaged.record(1, false)
  // Behind damage a floor is not believed, and yet it was said.
  damaged.advance({ floor: 1, taken: 9, floorSeen: 6 })
  const again = new ProducerLog('g.0.0-1', JSON.parse(JSON.stringify(damaged.place())))
  again.finish({ ...WHOLE, isDamaged: true }, onGap)
  expect(gaps).toEqual(['2-5 corrupt', '6-9 killed'])
})

const textOf = (producer: ProducerLog) => JSON.parse(producer.takeChangedText()!)

test('the account that others see calls nothing shipped that waits', () => {
  const producer = log()
  const ship = (...sequences: number[]) =>
    sequences.map((sequence) => producer.record(sequence, false))
  ship(1, 2, 3, 7, 8, 9, 12)
  producer.advance({ floor: 13, taken: 13 })
  const seen = textOf(producer)
  expect(seen).toMatchObject({
    floor: 4,
    taken: 13,
    above: [
      [7, 9],
      [12, 12],
    ],
  })
  // A shipper that has lost its state goes on from it, and so does one of an earlier release.
  expect(textOf(new ProducerLog('g.0.0-1', seen))).toEqual(seen)
  const next = new ProducerLog('g.0.0-1', seen)
  expect([3, 4, 7, 9, 10, 12, 13].map((each) => next.record(each, false))).toEqual([
    ...[false, true, false, false, true, false, true],
  ])
  expect(next.hasLost).toBe(false)
  const floors = ship(4, 5, 6, 10, 11).length
  expect([floors, textOf(producer).floor, textOf(log()).above]).toEqual([5, 13, undefined])
})

test('what is shipped below the floor of an account with holes may be lost as well', () => {
  const account = {
    ...newAccount('g.0.0-1'),
    floor: 10,
    taken: 9,
    records: 6,
    gaps: { sampled: 3 },
  }
  expect(new ProducerLog('g.0.0-1', account).hasLost).toBe(false)
  expect(new ProducerLog('g.0.0-1', { ...account, gaps: {} }).hasLost).toBe(true)
})

test('of one that was killed a record that comes later may be lost', () => {
  const killed = log()
  killed.record(1, false)
  killed.explain(2, 2, 'killed', onGap)
  killed.advance({ floor: 3, taken: 4 })
  // A request that was given up has no record.
  expect(killed.hasLost).toBe(false)
  killed.finish(WHOLE, onGap)
  expect([killed.hasLost, killed.record(3, false)]).toEqual([true, false])
  expect(new ProducerLog('g.0.0-1', killed.account).hasLost).toBe(true)
})
