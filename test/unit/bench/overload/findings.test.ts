import { expect, test } from 'vitest'
import { findingsOf, type Measured, sharesOfPeak } from '../../../../bench/overload/findings.ts'
import type { LevelTrial, RecoveryTrial } from '../../../../bench/overload/open-trials.ts'

const NONE = { p50: 0, p99: 0, highest: 0 }

const level = (
  name: string,
  load: number,
  goodPerSecond: number,
  loopPerSecond = 1000,
): LevelTrial => ({
  ...{ name, load, goodPerSecond, loopPerSecond },
  ...{ due: 10, good: 10, late: 0, refused: 0, failed: 0, missed: 0 },
  ...{ goodMs: NONE, refusedMs: NONE, lagMs: NONE, firstFailure: null },
})

const recovery = (name: string, recoveryMs: number | null): RecoveryTrial => ({
  ...{ name, recoveryMs, binMs: 50, overloadMs: [0, 1], discarded: [] },
  goodPerSecond: [],
})

/** The rate is judged, and not what an answer costs: a server that idles would look cheap. */
const pair = (alone: number, crowd: number) => {
  const answers = (goodPerSecond: number, loopPerSecond: number) => ({
    ...{ goodPerSecond, loopPerSecond, cpuUs: 30, serverBusy: 0.9, loadBusy: 0.7 },
  })
  return { alone: answers(alone, 512), crowd: answers(crowd / 2, 256) }
}

const MEASURED: Measured = {
  levels: [
    level('pooled', 1, 1000),
    level('pooled', 1, 495, 500),
    ...[960, 970].map((rate) => level('pooled', 2, rate)),
    level('inline', 1, 900),
    level('inline', 2, 1),
    level('pooled', 10, 890),
    level('no shedding', 10, 1),
  ],
  recoveries: [recovery('pooled', 100), recovery('pooled', 200), recovery('inline', 300)],
  spikes: [
    { high: 1, low: 0.1, highDue: 900, highMs: NONE },
    { high: 0.99, low: 0.1, highDue: 100, highMs: NONE },
  ],
  capped: [
    { load: 2, kept: pair(32, 32), reconnecting: pair(64, 32) },
    { load: 10, kept: pair(40, 30), reconnecting: pair(40, 36) },
  ],
}

const CROWD = 'goodput with a crowd / without'

const valuesOf = (measured: Measured) =>
  Object.fromEntries(
    findingsOf(measured).gates.map(({ name, value, isMet }) => [name, [value, isMet]]),
  )

test('sharesOfPeak() compares medians with the largest median', () => {
  const trials = [
    { load: 2, rate: 30 },
    { load: 1, rate: 10 },
    { load: 1, rate: 20 },
    { load: 1, rate: 90 },
  ]
  expect([...sharesOfPeak(trials, ({ rate }) => rate)]).toEqual([
    [1, 20 / 30],
    [2, 1],
  ])
})

test('findingsOf() judges both placements, and not the server that sheds nothing', () => {
  expect(valuesOf(MEASURED)).toEqual({
    'pooled: goodput x2 / peak': [965 / 995, false],
    'pooled: goodput x10 / peak': [890 / 995, true],
    'inline: goodput x2 / peak': [1 / 900, false],
    'pooled: ms from the end of an overload to full goodput, longest': [200, true],
    'inline: ms from the end of an overload to full goodput, longest': [300, true],
    'share of high priority answered well under a 12-fold spike of low priority': [0.999, true],
    [`tiny model, kept connections x2: ${CROWD}`]: [1, true],
    [`tiny model, kept connections x10: ${CROWD}`]: [0.75, false],
    [`tiny model, reconnecting connections x2: ${CROWD}`]: [0.5, false],
    [`tiny model, reconnecting connections x10: ${CROWD}`]: [0.9, true],
  })
})

test('findingsOf() takes an overload that nothing recovers from for a failure', () => {
  const measured = {
    ...MEASURED,
    recoveries: [recovery('pooled', 100), recovery('pooled', null), recovery('inline', 100)],
  }
  const what = 'pooled: ms from the end of an overload to full goodput, longest'
  expect(valuesOf(measured)[what]).toEqual([Number.POSITIVE_INFINITY, false])
})

test('findingsOf() compares a server that answers nothing well with itself', () => {
  const measured = { ...MEASURED, levels: [level('pooled', 2, 0)] }
  expect(valuesOf(measured)['pooled: goodput x2 / peak']).toEqual([0, false])
})
