/** What may happen to the replicas and controls of `figures-world.ts`; fast-check makes it up. */

import fc from 'fast-check'
import { anyRequest, type CountedRequest } from './counted-slots.ts'
import type { PuppetFigures } from './puppet-figures.ts'

/** `who` and `key` are taken modulo what there is; a step that is impossible is left out. */
export type Step =
  | { readonly does: 'connect'; readonly index: number }
  | { readonly does: 'count'; readonly who: number; readonly key: number; readonly what: Counted }
  | { readonly does: 'behave'; readonly who: number; readonly mode: PuppetFigures['mode'] }
  | { readonly does: 'release' | 'die' | 'drain' | 'hangUp' | 'redial'; readonly who: number }
  | { readonly does: 'reclaim'; readonly who: number; readonly key: number; readonly keep: boolean }
  | { readonly does: 'poll' }
  | { readonly does: 'replaceControl'; readonly first: number }
  /** A replica dies while no control runs. */
  | { readonly does: 'replaceBoth'; readonly first: number; readonly who: number }
  | { readonly does: 'plan'; readonly keys: readonly number[] }
  | { readonly does: 'wait'; readonly minutes: number }

export interface Counted {
  readonly request: CountedRequest
  readonly cpuSeconds: number
}

const who = fc.nat({ max: 3 })
const key = fc.nat({ max: 9 })
const does = <Do extends Step['does']>(...names: Do[]) => fc.constantFrom(...names)
const what = fc.record({
  request: anyRequest,
  cpuSeconds: fc.double({ min: 0, max: 10, noNaN: true }),
})
const mode = fc.constantFrom<PuppetFigures['mode']>('answers', 'silent', 'held')

type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<Step> }

const ALWAYS: readonly Weighted[] = [
  { weight: 3, arbitrary: fc.record({ does: does('connect'), index: fc.nat({ max: 2 }) }) },
  { weight: 12, arbitrary: fc.record({ does: does('count'), who, key, what }) },
  { weight: 6, arbitrary: fc.record({ does: does('behave'), who, mode }) },
  { weight: 4, arbitrary: fc.record({ does: does('release'), who }) },
  { weight: 3, arbitrary: fc.record({ does: does('die', 'drain', 'hangUp', 'redial'), who }) },
  { weight: 2, arbitrary: fc.record({ does: does('reclaim'), who, key, keep: fc.boolean() }) },
  { weight: 10, arbitrary: fc.record({ does: does('poll') }) },
  { weight: 3, arbitrary: fc.record({ does: does('replaceControl'), first: who }) },
  { weight: 2, arbitrary: fc.record({ does: does('replaceBoth'), first: who, who }) },
]

const WITH_PLANS: readonly Weighted[] = [
  ...ALWAYS,
  { weight: 4, arbitrary: fc.record({ does: does('plan'), keys: fc.array(key) }) },
  { weight: 4, arbitrary: fc.record({ does: does('wait'), minutes: fc.constantFrom(1, 8, 16) }) },
]

const steps = (weighted: readonly Weighted[]): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...weighted), { maxLength: 60, size: 'max' })

/** One plan for ever, and no time to speak of. */
export const STEPS = steps(ALWAYS)
/** Plans that come and go, and series that retire. */
export const STEPS_WITH_PLANS = steps(WITH_PLANS)
