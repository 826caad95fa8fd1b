import fc from 'fast-check'
import { expect, test } from 'vitest'
import { POOL_WORDS } from '../../src/runtime/pool/pool-memory.ts'
import { SLOT_STATE, stateOf } from '../../src/runtime/pool/pool-slots.ts'
import { POISON } from '../helpers/counting-session.ts'
import { type Left, type PoolMember, PoolWorld } from '../helpers/pool-world.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const DATA_THREADS = 2
const COMPUTE_THREADS = 2

type AdmitStep = Extract<Step, { kind: 'admit' }>
type Step =
  | {
      kind: 'admit'
      thread: number
      rows: number
      isPoisoned: boolean
      graceMs: number
      way: 'place' | 'tensors'
    }
  | { kind: 'cancel'; nth: number }
  | { kind: 'hear' | 'turn' | 'look'; thread: number }
  | { kind: 'pass'; ms: number }
  | { kind: 'die'; thread: number; at: number }

const dataThread = fc.nat(DATA_THREADS - 1)
const computeThread = fc.nat(COMPUTE_THREADS - 1)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('admit' as const),
      thread: dataThread,
      // 8 rows are a batch: more run in parts.
      rows: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 8 }) }, fc.constant(20)),
      graceMs: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 30 })),
      isPoisoned: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
      way: fc.constantFrom('place' as const, 'tensors' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), nth: fc.nat(50) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('hear' as const, 'turn' as const),
      thread: computeThread,
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('look' as const), thread: dataThread }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('die' as const),
      thread: computeThread,
      at: fc.nat(12),
    }),
  },
)

const steps = fc.array(step, { maxLength: 80 })
const delays = fc.constantFrom(0, 0, 3000)

interface Sent {
  readonly member: PoolMember
  readonly thread: number
  isCancelled: boolean
}

const valuesOf = (id: number, { rows, isPoisoned }: AdmitStep): number[] => {
  const values = Array.from({ length: rows * 2 }, (_, i) => id * 100 + i)
  if (isPoisoned) values[values.length - 1] = POISON
  return values
}

const admit = (world: PoolWorld, sent: Sent[], one: AdmitStep): void => {
  const id = sent.length
  const member: PoolMember = {
    ...{ id, rows: one.rows, values: valuesOf(id, one), priority: 0 },
    ...{ deadlineMs: world.nowMs + one.graceMs, timeoutMs: Infinity },
    wantsInputs: id % 2 === 0,
  }
  if (world.admit(one.thread, member, one.way) !== null) return
  sent.push({ member, thread: one.thread, isCancelled: false })
}

const cancel = (world: PoolWorld, sent: readonly Sent[], nth: number): void => {
  const found = sent[nth % Math.max(1, sent.length)]
  if (found === undefined || found.isCancelled) return
  found.isCancelled = true
  world.queues[found.thread]!.cancel(found.member)
}

const take = (world: PoolWorld, sent: Sent[], one: Step): void => {
  if (one.kind === 'admit') admit(world, sent, one)
  else if (one.kind === 'cancel') cancel(world, sent, one.nth)
  else if (one.kind === 'pass') world.pass(one.ms)
  else if (one.kind === 'die') world.die(one.thread, one.at)
  else world[one.kind](one.thread)
}

const expectOneAnswer = (
  { member, isCancelled }: Sent,
  left: readonly Left[] | undefined,
  mayBeLost: boolean,
): void => {
  expect(left).toHaveLength(1)
  const [{ values, inputs, code, badRow }] = left as [Left]
  if (!member.wantsInputs) expect(inputs).toBeNull()
  else if (inputs !== null || values !== null) expect(inputs).toEqual(member.values)
  if (/^DEADLINE_/.test(code)) expect(inputs).toBeNull() // it was not run
  if (code === 'INFERENCE_FAILED' && !isCancelled) {
    expect(inputs !== null).toBe(member.wantsInputs)
  }
  if (values !== null) expect(values).toEqual(member.values.map((value) => value * 2))
  else if (code === 'THREAD_LOST') expect(mayBeLost).toBe(true)
  else if (/^DEADLINE_/.test(code)) expect(member.deadlineMs).toBeLessThan(Infinity)
  else if (!isCancelled) {
    expect([member.values.includes(POISON), badRow]).toEqual([true, member.rows - 1])
  }
}

const expectEmpty = (world: PoolWorld): void => {
  const { pool, queuedRows, queuedRequests, faults, places } = world
  const { words, levels, states } = pool
  for (const { inputs } of places) expect(inputs).toBeNull()
  expect(faults).toEqual([])
  expect([queuedRows, queuedRequests]).toEqual([0, 0])
  expect(states.every((word) => stateOf(word) === SLOT_STATE.FREE)).toBe(true)
  expect([...levels].every((word) => word === 0)).toBe(true)
  expect(words[POOL_WORDS.READY]).toBe(0)
}

test('each request is answered once, beside its inputs, whatever is claimed, cancelled or dies when', () => {
  fc.assert(
    fc.property(steps, delays, (all, queueDelayUsMax) => {
      const batching = { rowsMax: 8, mixesRequests: true, preferredRows: [], queueDelayUsMax }
      const world = new PoolWorld({
        dataThreads: DATA_THREADS,
        computeThreads: COMPUTE_THREADS,
        planned: { batching },
      })
      const sent: Sent[] = []
      for (const one of all) take(world, sent, one)
      world.settle()
      const mayBeLost = all.some(({ kind }) => kind === 'die')
      for (const one of sent) expectOneAnswer(one, world.left.get(one.member.id), mayBeLost)
      expectEmpty(world)
    }),
    { numRuns: propertyRuns(300) },
  )
})
