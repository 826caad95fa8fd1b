import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lookForSilence, type SilenceWatch } from '../../../../src/control/figures/silence.ts'

/** Looks at the given times; each with the ages of the replicas 0, 1 ... */
const look = (...looks: readonly (readonly [nowMs: number, ...agesMs: number[]])[]): number[][] => {
  let watch: SilenceWatch | null = null
  return looks.map(([nowMs, ...agesMs]) => {
    const replicas = agesMs.map((ageMs, incarnation) => ({ incarnation, ageMs }))
    const seen = lookForSilence(watch, replicas, nowMs)
    watch = seen.watch
    return seen.silent
  })
}

/** One look a second while a replica says nothing. */
const seconds = (from: number, to: number, bornMs: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => {
    const nowMs = (from + i) * 1000
    return [nowMs, nowMs - bornMs] as const
  })

test('lookForSilence() names who is silent for more than 10 s, and nobody else', () => {
  expect(look(...seconds(0, 10, 0)).flat()).toEqual([])
  expect(look(...seconds(0, 11, 0)).at(-1)).toEqual([0])
  const others = seconds(0, 11, 0).map(([nowMs, ageMs]) => [nowMs, 100, ageMs, 0] as const)
  expect(look(...others).at(-1)).toEqual([1])
})

test('lookForSilence() does not count what it slept through', () => {
  const slept = [...seconds(0, 5, 0), ...seconds(17, 27, 0)]
  expect(look(...slept).flat()).toEqual([])
  expect(look(...slept, [28_000, 28_000]).at(-1)).toEqual([0])
})

test('lookForSilence() bears a look that is a little late', () => {
  expect(look(...seconds(0, 4, 0), ...seconds(6, 11, 0)).at(-1)).toEqual([0])
})

test('lookForSilence() gives a replica 10 s from the first look', () => {
  expect(look([50_000, 50_000])).toEqual([[]])
})

test('lookForSilence() never names one that answered within 10 s, whenever it looks', () => {
  const anyGaps = fc.array(fc.nat({ max: 30_000 }), { maxLength: 20 })
  fc.assert(
    fc.property(anyGaps, fc.nat({ max: 10_000 }), (gaps, ageMs) => {
      const times = gaps.map((_, i) => gaps.slice(0, i + 1).reduce((sum, gap) => sum + gap))
      expect(look(...times.map((nowMs) => [nowMs, ageMs] as const)).flat()).toEqual([])
    }),
  )
})
