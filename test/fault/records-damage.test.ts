/**
 * A gateway that starts on a spool in which segments are damaged: it serves, everything that is
 * whole is shipped, what is not is a gap that says so, and nobody tries again and again.
 */

import { expect, test } from 'vitest'
import { makeBacklog } from '../../bench/records/backlog.ts'
import type { VerifyReport } from '../../src/records/verify.ts'
import { expectKept, verify } from '../helpers/records/books.ts'
import { addStrangers, DAMAGES, type Outcome } from '../helpers/records/damages.ts'
import { segmentsOf } from '../helpers/records/kept.ts'
import { freshState, startRecorded } from '../helpers/records/recorded-gateway.ts'
import { until } from '../helpers/until.ts'

/** Of the first replica that is no more; those of the gateway have smaller ones. */
const FIRST = 10
const RECORDS = 6000
const SEGMENT_BYTES = 256 * 1024
const OLD = 'old'
const NOW_MS = Date.UTC(2025, 5, 1)

const outcomeOf = (producers: VerifyReport['producers']): Outcome => {
  const sum = (of: (producer: VerifyReport['producers'][number]) => number) =>
    producers.reduce((total, each) => total + of(each), 0)
  const present = sum((each) => each.present)
  const corrupt = sum(({ gaps }) =>
    gaps
      .filter(({ reason }) => reason === 'corrupt')
      .reduce((total, { from, to }) => total + to - from + 1, 0),
  )
  if (sum(({ last }) => last) !== RECORDS || present + corrupt !== RECORDS) return 'unexplained'
  return corrupt === 0 ? 'whole' : 'corrupt'
}

/** Segments of replicas that are no more. */
const oldSegments = (stateDir: string): string[] =>
  segmentsOf(stateDir).filter((path) => /\/r\d\d-/.test(path))

test('segments that are damaged keep a gateway from nothing, and what is lost is said', async () => {
  const { stateDir, spool: folder } = await freshState()
  for (const [i, damage] of DAMAGES.entries()) {
    const replica = FIRST + i
    makeBacklog({
      ...{ folder, gateway: OLD, replicas: [replica], records: RECORDS },
      ...{ fromMs: NOW_MS, toMs: NOW_MS + 60_000, segmentBytes: SEGMENT_BYTES },
    })
    const own = segmentsOf(stateDir).filter((path) => path.includes(`/r${replica}-`))
    expect(own.length).toBeGreaterThan(3)
    damage.apply(own)
  }
  addStrangers(folder)
  const world = await startRecorded({ replicas: 1, threads: 1, stateDir })
  const shipper = world.shipperPid()
  await world.ask(20)
  const left = DAMAGES.filter(({ isLeft }) => isLeft === true).length
  await until(() => oldSegments(stateDir).length === left, {
    what: 'segments that are shipped or set aside',
    timeoutMs: 30_000,
  })
  await expectKept(world.ids, world.path, stateDir)
  const { producers } = await verify(world.path)
  const outcomes = DAMAGES.map(({ name }, i) => {
    const prefix = `${OLD}.${FIRST + i}.`
    return { name, outcome: outcomeOf(producers.filter(({ id }) => id.startsWith(prefix))) }
  })
  expect(outcomes).toEqual(DAMAGES.map(({ name, outcome }) => ({ name, outcome })))
  expect(world.shipperPid()).toBe(shipper)
  await world.stop()
})
