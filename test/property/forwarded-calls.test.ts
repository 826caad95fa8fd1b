/** Calls of clients that control answers: each gets one answer, its own, whatever happens. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CALL_MS_MAX, CALLS_MAX } from '../../src/server/agent-calls.ts'
import { CallWorld } from '../helpers/call-world.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const THREADS = 3
const DIAL_AGAIN_MS = 200

type Step = (world: CallWorld) => void | Promise<void>

/** A step and what a counterexample calls it. */
const named = (name: string, step: Step): Step => Object.assign(step, { toString: () => name })

const thread = fc.nat({ max: THREADS - 1 })

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: thread.map((n) => named(`ask ${n}`, (world) => world.ask(n))) },
  {
    weight: 2,
    arbitrary: fc.tuple(thread, fc.integer({ min: 2, max: CALLS_MAX + 2 })).map(([n, count]) =>
      named(`ask ${n}, ${count} times`, async (world) => {
        for (let i = 0; i < count; i++) await world.ask(n)
      }),
    ),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.nat({ max: 50 }), fc.boolean())
      .map(([k, no]) => named(`answer ${k} ${no}`, (world) => world.answer(k, no))),
  },
  {
    weight: 4,
    arbitrary: fc
      .oneof(fc.constantFrom(1, DIAL_AGAIN_MS, CALL_MS_MAX - 1), fc.nat({ max: 3000 }))
      .map((ms) => named(`pass ${ms}`, (world) => world.pass(ms))),
  },
  fc.boolean().map((isGone) => named(`cut ${isGone}`, (world) => world.cut(isGone))),
  { weight: 3, arbitrary: fc.constant(named('listen', (world) => world.listen())) },
  thread.map((n) => named(`end ${n}`, (world) => world.end(n))),
)

test('every call gets one answer, its own and in time, and none is left over', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const world = new CallWorld(THREADS + 1)
      try {
        await world.listen()
        await world.pass(DIAL_AGAIN_MS)
        for (const take of steps) {
          await take(world)
          expect(world.outcomes()).toEqual(world.expected())
        }
        await world.pass(CALL_MS_MAX)
        expect(world.outcomes()).toEqual(world.expected())
        expect(world.unanswered).toBe(0)
        // Nothing that came before takes a place: as many as ever may be under way.
        await world.listen()
        await world.pass(DIAL_AGAIN_MS)
        const before = world.calls.length
        for (let i = 0; i < CALLS_MAX + 1; i++) await world.ask(THREADS)
        const last = world.calls.slice(before).map(({ expected }) => expected)
        expect(last).toEqual([...Array.from({ length: CALLS_MAX }, () => null), 'CONTROL_BUSY'])
        await world.pass(CALL_MS_MAX)
        expect([world.unanswered, world.clock.pending]).toEqual([0, 0])
      } finally {
        await world.close()
      }
    }),
    { numRuns: propertyRuns(60) },
  )
}, 60_000)
