/** Statistics of a control and its puppets, all of which count rows of one version. */

import { create } from '@bufbuild/protobuf'
import { type DeadSums, DeadSumsSchema, SlotSchema } from '../../proto/gen/control_pb.ts'
import { type Snapshot, Statistics } from '../../src/control/figures/statistics.ts'
import { ROWS_AT, SLOT_DOUBLES, slotKeyText } from '../../src/shared/counters.ts'
import { answerKey, refusedKey } from './counted-slots.ts'
import { FakeClock } from './fake-clock.ts'
import { PuppetFigures, type PuppetPlace } from './puppet-figures.ts'

export const FLIGHTS = slotKeyText(answerKey('flights'))
/** The same version under another name, another version, and requests that reached none. */
export const KEYS: readonly string[] = [
  FLIGHTS,
  slotKeyText(answerKey('flights', '1', 'canary')),
  slotKeyText(answerKey('flights', '2')),
  slotKeyText(refusedKey('flights')),
]
export const ACTIVE: ReadonlySet<string> = new Set(KEYS)

/** A control to which these replicas have said Hello. */
export const controlOf = (...replicas: readonly PuppetFigures[]) => {
  const clock = new FakeClock()
  const statistics = new Statistics(clock)
  for (const replica of replicas) statistics.replicaConnected(replica)
  /** Its patience passes when somebody does not answer. */
  const poll = async (active = ACTIVE): Promise<Snapshot> => {
    const polled = statistics.poll(replicas, active)
    await clock.advance(200)
    return polled
  }
  return { clock, statistics, poll }
}

/** A replica that has answered so many rows. */
export const replicaWith = (rows: number, place: PuppetPlace): PuppetFigures => {
  const replica = new PuppetFigures(place)
  replica.slot(FLIGHTS)[ROWS_AT] = rows
  return replica
}

/** Sums of dead replicas that have answered so many rows, in so many seconds. */
export const deadWith = (rows: number, doubles = SLOT_DOUBLES): DeadSums => {
  const values = new Array<number>(doubles).fill(0)
  values[ROWS_AT] = rows
  const slots = [create(SlotSchema, { key: FLIGHTS, values })]
  return create(DeadSumsSchema, { slots, cpuSeconds: rows })
}

/** The rows that a snapshot exports; undefined when there is no such series. */
export const rowsOf = async (snapshot: Promise<Snapshot>): Promise<number | undefined> =>
  (await snapshot).slots.get(FLIGHTS)?.[ROWS_AT]
