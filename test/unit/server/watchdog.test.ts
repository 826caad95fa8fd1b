import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BeatSeen, isOnVersion, judgeBeat, seeBeat } from '../../../src/server/watchdog.ts'
import { THREAD_STATE } from '../../../src/shared/shared-memory.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const LIMITS = { reportMs: 2000, idleMsMax: 10_000, runMsMax: 30_000, loadMsMax: 60_000 }
const LOOK_MS = 500
const seen = { beat: 7, sinceMs: 1000 }

test.each([
  ['IDLE', 2_000, 'alive'],
  ['IDLE', 2_001, 'silent'],
  ['IDLE', 10_001, 'dead'],
  ['DECODE', 2_001, 'silent'],
  ['DECODE', 10_001, 'dead'],
  ['ENCODE', 2_001, 'silent'],
  ['ENCODE', 10_001, 'dead'],
  ['RUN', 10_001, 'silent'],
  ['RUN', 30_001, 'dead'],
  ['LOAD', 59_000, 'alive'],
  ['LOAD', 60_001, 'dead'],
] as const)('judgeBeat() of a thread in %s silent for %i ms is %s', (state, silentMs, verdict) => {
  expect(judgeBeat(seen, THREAD_STATE[state], 1000 + silentMs, LIMITS)).toBe(verdict)
})

test('judgeBeat() never gives a run less than an idle thread', () => {
  const limits = { ...LIMITS, runMsMax: 1000 }
  expect(judgeBeat(seen, THREAD_STATE.RUN, 9_000, limits)).toBe('silent')
})

/** The verdict of each look, twice a second, on a thread whose beat word is `beatAt(ms)`. */
const verdictsOf = async (
  lookTimesMs: readonly number[],
  beatAt: (ms: number) => number,
  state: number,
) => {
  const clock = new FakeClock()
  const startMs = clock.monotonic()
  let last: BeatSeen | undefined
  let lastLookMs = startMs
  const verdicts: string[] = []
  for (const atMs of lookTimesMs) {
    await clock.advance(startMs + atMs - clock.monotonic())
    const nowMs = clock.monotonic()
    last = seeBeat(last, beatAt(atMs), nowMs, lastLookMs)
    lastLookMs = nowMs
    verdicts.push(judgeBeat(last, state, nowMs, LIMITS))
  }
  return verdicts
}

const looks = (fromMs: number, toMs: number) =>
  Array.from(
    { length: Math.floor((toMs - fromMs) / LOOK_MS) },
    (_, i) => fromMs + (i + 1) * LOOK_MS,
  )

test('seeBeat() forgets silence when the whole process stood still', async () => {
  // Nothing ran between 5 s and 17 s: neither the thread nor the agent.
  const beatAt = (ms: number) => Math.floor(Math.min(ms, 5000) / 250)
  const verdicts = await verdictsOf([...looks(0, 5000), 17_000, 17_500], beatAt, THREAD_STATE.IDLE)
  expect(new Set(verdicts)).toEqual(new Set(['alive']))
})

test('seeBeat() counts on when only the thread stood still', async () => {
  const beatAt = (ms: number) => Math.floor(Math.min(ms, 5000) / 250)
  const verdicts = await verdictsOf(looks(0, 17_000), beatAt, THREAD_STATE.IDLE)
  expect(verdicts.at(-1)).toBe('dead')
  expect(verdicts.filter((verdict) => verdict === 'dead').length).toBeLessThanOrEqual(4)
})

test('seeBeat() gives every load the whole limit when each entry is a beat', async () => {
  const limits = { ...LIMITS, loadMsMax: 1000 }
  let last: BeatSeen | undefined
  // 40 loads of 900 ms, one after another.
  for (const atMs of looks(0, 36_000)) {
    last = seeBeat(last, Math.floor(atMs / 900), atMs, atMs - LOOK_MS)
    expect(judgeBeat(last, THREAD_STATE.LOAD, atMs, limits)).not.toBe('dead')
  }
})

test('judgeBeat() of a thread that beats within the limits is never dead, however looks fall', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 7_000 }), (gapsMs, beatMs) => {
      let nowMs = 0
      let last: BeatSeen | undefined
      for (const gapMs of gapsMs) {
        const lastLookMs = nowMs
        nowMs += gapMs
        last = seeBeat(last, Math.floor(nowMs / beatMs), nowMs, lastLookMs)
        expect(judgeBeat(last, THREAD_STATE.IDLE, nowMs, LIMITS)).not.toBe('dead')
      }
    }),
  )
})

test('isOnVersion() is true where the version word means something', () => {
  const names = Object.entries(THREAD_STATE)
  const on = names.filter(([, state]) => isOnVersion(state)).map(([name]) => name)
  expect(on).toEqual(['RUN', 'LOAD'])
})
