import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type RecordFigures, RecordFiguresSchema } from '../../../../proto/gen/control_pb.ts'
import {
  RecordSums,
  type RecordTotals,
  type ShippedProducer,
} from '../../../../src/control/figures/record-sums.ts'
import { GAP_REASON, GAP_REASON_COUNT } from '../../../../src/records/reasons.ts'

const [RING_FULL, SAMPLED] = [GAP_REASON.RING_FULL, GAP_REASON.SAMPLED]

const figures = (
  taken: readonly number[],
  spooled: number,
  dropped: Readonly<Record<number, number>> = {},
): RecordFigures =>
  create(RecordFiguresSchema, {
    taken: [...taken],
    spooled,
    dropped: Array.from({ length: GAP_REASON_COUNT }, (_, reason) => dropped[reason] ?? 0),
  })

const account = (
  incarnation: number,
  thread: number,
  given: Partial<ShippedProducer>,
): ShippedProducer => ({
  ...{ producer: `gw.0.${thread}-${incarnation}`, state: 'open', taken: 0, records: 0, gaps: {} },
  ...given,
})

const plain = ({ dropped, ...rest }: RecordTotals) => ({
  ...rest,
  dropped: Object.fromEntries(dropped),
})

test('a replica counts by what it says of itself', () => {
  const sums = new RecordSums('gw')
  sums.take(1, figures([60, 40], 70, { [RING_FULL]: 5, [SAMPLED]: 15 }))
  expect(plain(sums.totals())).toEqual({
    ...{ produced: 100, pending: 10, spooled: 70, shipped: 0, unshipped: 70 },
    dropped: { ring_full: 5, sampled: 15 },
  })
})

test('what is shipped is no longer in the spool', () => {
  const sums = new RecordSums('gw')
  sums.take(1, figures([100], 90))
  const producers = [account(1, 0, { taken: 80, records: 80 })]
  sums.takeShipped({ records: 80, gaps: {}, producers })
  expect(plain(sums.totals())).toMatchObject({ produced: 100, shipped: 80, unshipped: 10 })
})

test('a replica that ended in order counts by its account', () => {
  const sums = new RecordSums('gw')
  sums.take(1, figures([100], 90, { [RING_FULL]: 10 }))
  const gaps = { ring_full: 12 }
  const producers = [account(1, 0, { state: 'ended', taken: 110, records: 98, gaps })]
  sums.takeShipped({ records: 98, gaps, producers })
  expect(plain(sums.totals())).toEqual({
    ...{ produced: 110, pending: 0, spooled: 98, shipped: 98, unshipped: 0 },
    dropped: { ring_full: 12 },
  })
})

test('of a replica that was killed, what it had taken and nobody wrote is `killed`', () => {
  const sums = new RecordSums('gw')
  sums.take(1, figures([100], 80, { [RING_FULL]: 10 }))
  // The frame that would have told of the gaps, and of 8 records, was never written.
  const gaps = { killed: 13 }
  const producers = [account(1, 0, { state: 'killed', taken: 95, records: 82, gaps })]
  sums.takeShipped({ records: 82, gaps, producers })
  expect(plain(sums.totals())).toEqual({
    ...{ produced: 100, pending: 0, spooled: 82, shipped: 82, unshipped: 0 },
    dropped: { ring_full: 10, killed: 8 },
  })
})

test('a damaged segment is told from what was killed', () => {
  const sums = new RecordSums('gw')
  sums.take(1, figures([100], 95))
  const gaps = { corrupt: 20, killed: 3 }
  const producers = [account(1, 0, { state: 'killed', taken: 100, records: 77, gaps })]
  sums.takeShipped({ records: 77, gaps, producers })
  expect(plain(sums.totals())).toMatchObject({ produced: 100, dropped: gaps, unshipped: 0 })
})

test('what an earlier control knew is part of the sums, each once', () => {
  const sums = new RecordSums('gw')
  const dead = account(1, 0, { taken: 30, records: 10, gaps: { ring_full: 5 } })
  const shipped = { records: 110, gaps: { ring_full: 25 }, producers: [dead] }
  sums.takeShipped(shipped)
  // 100 records and 20 gaps of producers that are forgotten, and 15 of one whose spool is there.
  expect(plain(sums.totals())).toEqual({
    ...{ produced: 135, pending: 0, spooled: 110, shipped: 110, unshipped: 0 },
    dropped: { ring_full: 25 },
  })
  const ended: ShippedProducer = { ...dead, state: 'ended', records: 25 }
  sums.takeShipped({ ...shipped, records: 125, producers: [ended] })
  sums.takeShipped({ ...shipped, records: 125, producers: [] })
  expect(plain(sums.totals())).toMatchObject({ produced: 150, shipped: 125, unshipped: 0 })
})

test('a replica settles when the shipper has the last of its producers', () => {
  const sums = new RecordSums('gw')
  sums.take(1, figures([10, 20], 30))
  const first = account(1, 0, { state: 'ended', taken: 10, records: 10 })
  const second = account(1, 1, { taken: 20, records: 15 })
  sums.takeShipped({ records: 25, gaps: {}, producers: [first, second] })
  expect(sums.totals().unshipped).toBe(5)
  const ended: ShippedProducer = { ...second, state: 'ended', records: 20 }
  sums.takeShipped({ records: 30, gaps: {}, producers: [first, ended] })
  sums.take(1, figures([99, 99], 0))
  expect(plain(sums.totals())).toMatchObject({ produced: 30, shipped: 30, unshipped: 0 })
})

test('what is shipped does not fall with the first figures of a replica', () => {
  const sums = new RecordSums('gw')
  const tell = (records: number, ...producers: ShippedProducer[]): void =>
    sums.takeShipped({ records, gaps: {}, producers })
  sums.take(1, figures([100], 100))
  tell(90, account(1, 0, { taken: 90, records: 90 }))
  // The first is killed, and had written more than it had said.
  const [first, second] = [
    account(1, 0, { taken: 125, records: 120 }),
    account(2, 0, { taken: 25, records: 5 }),
  ]
  tell(125, first, second)
  expect(plain(sums.totals())).toMatchObject({ produced: 125, shipped: 125, unshipped: 0 })
  sums.take(2, figures([25], 5))
  expect(plain(sums.totals())).toEqual({
    ...{ produced: 145, pending: 20, spooled: 125, shipped: 125, unshipped: 0, dropped: {} },
  })
  // Nor where they are older than what is shipped, or count as lost what is not.
  tell(130, first, { ...second, taken: 30, records: 10 })
  sums.take(2, figures([25], 5, { [RING_FULL]: 15 }))
  expect(plain(sums.totals())).toMatchObject({ produced: 145, shipped: 130, unshipped: 0 })
  tell(130, { ...first, state: 'killed' }, { ...second, state: 'killed', taken: 22, records: 10 })
  expect(plain(sums.totals())).toMatchObject({ shipped: 130, unshipped: 0, pending: 0 })
})

test('reasons of a later release are counted under their number', () => {
  const sums = new RecordSums('gw')
  sums.take(1, figures([5], 0, { 30: 5 }))
  expect(plain(sums.totals()).dropped).toEqual({ reason_30: 5 })
})

/** One replica of one thread, as it really is, of which figures and accounts tell late. */
class TrueReplica {
  taken = 0
  written = 0
  flushed = 0
  full = 0
  state: ShippedProducer['state'] = 'open'
  readonly incarnation: number

  constructor(incarnation: number) {
    this.incarnation = incarnation
  }

  figures(): RecordFigures {
    return figures([this.taken], this.written, { [RING_FULL]: this.full })
  }

  account(shipped: number): ShippedProducer {
    const killed = this.state === 'killed' ? this.flushed - shipped : 0
    const gaps = killed > 0 ? { killed } : {}
    return account(this.incarnation, 0, {
      ...{ state: this.state, taken: this.flushed, records: shipped, gaps },
    })
  }
}

type Step = 'request' | 'full' | 'write' | 'report' | 'ship' | 'kill'

const step: fc.Arbitrary<Step> = fc.constantFrom(
  ...(['request', 'full', 'write', 'report', 'ship', 'kill'] as const),
)

/** Replicas that are killed one after the other, and a shipper that reads what they have left. */
class TrueGateway {
  readonly sums = new RecordSums('gw')
  #replica = new TrueReplica(1)
  readonly #shipped = new Map<TrueReplica, number>([[this.#replica, 0]])

  do(next: Step): void {
    const replica = this.#replica
    if (next === 'request') replica.taken += 7
    else if (next === 'full') replica.full += replica.taken > replica.written + replica.full ? 1 : 0
    else if (next === 'report') this.sums.take(replica.incarnation, replica.figures())
    else if (next === 'ship') this.#ship()
    else if (next === 'write') {
      replica.written = replica.taken - replica.full
      replica.flushed = replica.taken
    } else {
      replica.state = 'killed'
      this.#replica = new TrueReplica(replica.incarnation + 1)
      this.#shipped.set(this.#replica, 0)
    }
  }

  #ship(): void {
    for (const each of this.#shipped.keys()) this.#shipped.set(each, each.written)
    const records = [...this.#shipped.values()].reduce((sum, count) => sum + count, 0)
    const producers = [...this.#shipped].map(([each, count]) => each.account(count))
    this.sums.takeShipped({ records, gaps: {}, producers })
  }
}

const expectNoFall = (before: RecordTotals, after: RecordTotals): void => {
  for (const name of ['produced', 'spooled', 'shipped'] as const) {
    expect(after[name]).toBeGreaterThanOrEqual(before[name])
  }
  for (const [name, count] of before.dropped) {
    expect(after.dropped.get(name) ?? 0).toBeGreaterThanOrEqual(count)
  }
}

test('at every moment what was produced is shipped, in the spool, pending or dropped', () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 100, size: 'max' })
  fc.assert(
    fc.property(steps, (all) => {
      const gateway = new TrueGateway()
      let before = gateway.sums.totals()
      for (const next of all) {
        gateway.do(next)
        const after = gateway.sums.totals()
        const { produced, shipped, pending, unshipped, dropped } = after
        const lost = [...dropped.values()].reduce((sum, count) => sum + count, 0)
        expect(shipped + unshipped + pending + lost).toBe(produced)
        expect(Math.min(unshipped, pending, ...dropped.values(), 0)).toBe(0)
        expectNoFall(before, after)
        before = after
      }
    }),
  )
})

test('records of another gateway with the same incarnation are counted beside those of this one', () => {
  const sums = new RecordSums('gw')
  sums.take(1, figures([100], 100))
  const own = account(1, 0, { taken: 100, records: 100 })
  const other = account(1, 0, { producer: 'old.10.0-1', state: 'killed', taken: 50, records: 40 })
  const producers = [own, { ...other, gaps: { killed: 10 } }]
  sums.takeShipped({ records: 140, gaps: { killed: 10 }, producers })
  expect(plain(sums.totals())).toEqual({
    ...{ produced: 150, pending: 0, spooled: 140, shipped: 140, unshipped: 0 },
    dropped: { killed: 10 },
  })
})

test('what nobody has named is part of the sums, however many have ended between two words', () => {
  const sums = new RecordSums('gw')
  sums.takeShipped({ records: 0, gaps: {}, producers: [] })
  const ended = account(7, 0, { state: 'killed', taken: 10, records: 8, gaps: { killed: 2 } })
  const shipped = { records: 4000, gaps: { killed: 12 }, producers: [ended] }
  for (let times = 0; times < 2; times++) {
    sums.takeShipped(shipped)
    expect(plain(sums.totals())).toEqual({
      ...{ produced: 4012, pending: 0, spooled: 4000, shipped: 4000, unshipped: 0 },
      dropped: { killed: 12 },
    })
  }
})

test('where the state of the shipper was lost, what it had counted goes on', () => {
  const sums = new RecordSums('gw')
  const told = (era: string, records: number, own: number) =>
    sums.takeShipped({
      ...{ era, records, gaps: { ring_full: 3 } },
      producers: [account(1, 0, { taken: own + 3, records: own, gaps: { ring_full: 3 } })],
    })
  sums.take(1, figures([1003], 1000, { [RING_FULL]: 3 }))
  told('a', 1000, 1000)
  sums.take(1, figures([1903], 1900, { [RING_FULL]: 3 }))
  sums.takeShipped({ era: 'b', records: 0, gaps: {}, producers: [] })
  expect(plain(sums.totals())).toMatchObject({ shipped: 1000, unshipped: 900 })
  // More than before is not the same as all of it and more.
  sums.takeShipped({
    ...{ era: 'b', records: 900, gaps: {} },
    producers: [account(1, 0, { taken: 1903, records: 1900, gaps: { ring_full: 3 } })],
  })
  const all = { produced: 1903, pending: 0, spooled: 1900, shipped: 1900, unshipped: 0 }
  expect(plain(sums.totals())).toEqual({ ...all, dropped: { ring_full: 3 } })
  // To a control that comes now accounts alone tell of what was before.
  const next = new RecordSums('gw')
  next.takeShipped({
    ...{ era: 'b', records: 900, gaps: {} },
    producers: [account(1, 0, { taken: 1903, records: 1900, gaps: { ring_full: 3 } })],
  })
  expect(plain(next.totals())).toEqual({ ...all, dropped: { ring_full: 3 } })
})
