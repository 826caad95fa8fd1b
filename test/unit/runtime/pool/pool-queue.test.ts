import { expect, test } from 'vitest'
import { POOL_DOUBLES } from '../../../../src/runtime/pool/pool-memory.ts'
import { SLOTS_PER_THREAD } from '../../../../src/runtime/pool/pool-shape.ts'
import { recover } from '../../../../src/runtime/pool/pool-slots.ts'
import { DEFAULT_QUEUE } from '../../../../src/shared/queue-policy.ts'
import type { Tensor } from '../../../../src/shared/tensor.ts'
import { CountingSession, POISON } from '../../../helpers/counting-session.ts'
import { type PoolMember, PoolWorld, type PoolWorldOptions } from '../../../helpers/pool-world.ts'

let lastId = 0

const member = (rows = 1, more: Partial<PoolMember> = {}): PoolMember => ({
  id: ++lastId,
  rows,
  priority: 0,
  deadlineMs: Number.POSITIVE_INFINITY,
  timeoutMs: Number.POSITIVE_INFINITY,
  wantsInputs: true,
  values: Array.from({ length: rows * 2 }, (_, i) => i),
  ...more,
})

/** A session whose runs take time. */
class SlowSession extends CountingSession {
  readonly #onRun: () => void

  constructor(onRun: () => void) {
    super()
    this.#onRun = onRun
  }

  override run(inputs: readonly Tensor[]): Tensor[] {
    this.#onRun()
    return super.run(inputs)
  }
}

/** A world of one compute thread, unless told otherwise, and its sessions. */
const makeWorld = (options: PoolWorldOptions = {}, runMs = 0) => {
  const sessions: CountingSession[] = []
  const session = () => {
    const one = new SlowSession(() => {
      world.nowMs += runMs
    })
    sessions.push(one)
    return one
  }
  const world: PoolWorld = new PoolWorld({ dataThreads: 1, computeThreads: 1, session, ...options })
  const admit = (one: PoolMember, way: 'place' | 'tensors' = 'place') => world.admit(0, one, way)
  const howLeft = ({ id }: PoolMember) =>
    world.left.get(id)?.map(({ values, code }) => values ?? code) ?? []
  return { world, sessions, admit, howLeft, runs: () => sessions.map(({ runs }) => runs) }
}

const delayed = (queueDelayUsMax: number) => ({
  batching: { rowsMax: 8, mixesRequests: true, preferredRows: [], queueDelayUsMax },
})

test('admitInPlace() wakes a thread that sleeps once, and what came meanwhile shares its run', () => {
  const { world, admit, runs, howLeft } = makeWorld()
  const members = [member(1), member(2), member(3)]
  for (const one of members) admit(one)
  expect(world.posted(0)).toBe(1)
  world.settle()
  expect(runs()).toEqual([[6]])
  for (const one of members) expect(howLeft(one)).toEqual([one.values.map((v) => v * 2)])
  expect(world.served).toEqual([6])
})

test('look() answers what is done in the order of admission, with one message a batch', () => {
  const { world, admit } = makeWorld()
  const members = Array.from({ length: 8 }, () => member(1))
  for (const one of members) admit(one)
  world.hear(0)
  world.turn(0)
  expect(world.said(0)).toHaveLength(1)
  world.look(0)
  expect([...world.left.keys()]).toEqual(members.map(({ id }) => id))
})

test('a request of more rows than a batch may have runs in parts, others between them', () => {
  const { world, admit, runs, howLeft } = makeWorld({}, 2)
  const large = member(20)
  admit(large)
  world.hear(0)
  world.turn(0)
  const small = member(1)
  admit(small)
  const turnsOf = (one: PoolMember): number => {
    let turns = 0
    for (; howLeft(one).length === 0; turns++) {
      world.turn(0)
      world.look(0)
    }
    return turns
  }
  expect(turnsOf(small)).toBeLessThanOrEqual(2)
  expect(howLeft(large)).toEqual([])
  world.settle()
  expect(runs()[0]!.toSorted()).toEqual([1, 4, 8, 8])
  expect(howLeft(large)).toEqual([large.values.map((value) => value * 2)])
  expect(world.served.toSorted()).toEqual([1, 4, 8, 8])
})

test.each([true, false])('inputs that were sent come back if that is wanted: %j', (wantsInputs) => {
  const { world, admit, howLeft } = makeWorld()
  const large = member(20, { wantsInputs })
  admit(large)
  const said: unknown[] = []
  for (let turns = 0; turns < 10; turns++) {
    world.hear(0)
    world.turn(0)
    said.push(...world.said(0))
    world.look(0)
  }
  expect(howLeft(large)).toEqual([large.values.map((value) => value * 2)])
  const inputs = wantsInputs ? [{ data: Float32Array.from(large.values) }] : null
  expect(said.filter((one) => one !== 0)).toMatchObject([{ inputs }])
  expect(world.left.get(large.id)).toMatchObject([{ inputs: wantsInputs ? large.values : null }])
})

test('instances share what waits: none takes more than about a batch ahead', () => {
  const { world, admit, runs } = makeWorld({ computeThreads: 2 })
  for (let i = 0; i < 16; i++) admit(member(2))
  world.hear(0)
  world.hear(1)
  for (let i = 0; i < 4; i++) {
    world.turn(0)
    world.turn(1)
  }
  expect(runs()).toEqual([
    [8, 8],
    [8, 8],
  ])
})

test('cancel() takes what no thread has claimed out at once, and it is never run', () => {
  const { world, admit, runs, howLeft } = makeWorld()
  const members = Array.from({ length: 6 }, (_, i) => member(1 + i))
  for (const [i, one] of members.entries()) admit(one, i % 2 === 0 ? 'place' : 'tensors')
  const [gone, stays] = [members.slice(0, 3), members.slice(3)]
  for (const one of gone) expect(world.queues[0]!.cancel(one)).toBe(true)
  for (const one of gone) expect(howLeft(one)).toEqual(['INFERENCE_FAILED'])
  world.settle()
  expect(runs()[0]!.reduce((sum, rows) => sum + rows, 0)).toBe(4 + 5 + 6)
  for (const one of stays) expect(howLeft(one)).toEqual([one.values.map((value) => value * 2)])
})

test('cancel() ends what waits in a compute thread for company', () => {
  const { world, admit, runs, howLeft } = makeWorld({ planned: delayed(50_000) })
  const one = member(1)
  admit(one)
  world.hear(0)
  world.turn(0)
  expect(world.queues[0]!.cancel(one)).toBe(false)
  world.pass(60)
  world.settle()
  expect([runs(), howLeft(one)]).toEqual([[[]], ['INFERENCE_FAILED']])
})

test('cancel() ends a request in parts before its next part', () => {
  const { world, admit, runs } = makeWorld({}, 2)
  const large = member(64)
  admit(large)
  world.hear(0)
  for (let i = 0; i < 3; i++) world.turn(0)
  world.queues[0]!.cancel(large)
  const before = runs()[0]!.length
  world.settle()
  expect([before, runs()[0]!.length]).toEqual([3, 3])
  expect(world.left.get(large.id)).toHaveLength(1)
})

test('what is past its deadline is answered so, and never run', () => {
  const { world, admit, runs, howLeft } = makeWorld()
  const late = member(1, { deadlineMs: world.nowMs + 5 })
  const sent = member(20, { deadlineMs: world.nowMs + 5 })
  const other = member(1)
  for (const one of [late, sent, other]) admit(one, one === sent ? 'tensors' : 'place')
  world.pass(6)
  world.settle()
  expect([howLeft(late), howLeft(sent)]).toEqual([['DEADLINE_EXPIRED'], ['DEADLINE_EXPIRED']])
  expect(runs()).toEqual([[1]])
})

test('what has a higher priority is run first, what is in time before what is not', () => {
  const { world, admit, howLeft } = makeWorld()
  const low = Array.from({ length: 8 }, () => member(1, { priority: 2 }))
  const late = Array.from({ length: 8 }, () => member(1, { priority: 1, timeoutMs: 1 }))
  const first = Array.from({ length: 8 }, () => member(1, { priority: 1 }))
  for (const one of [...low, ...late, ...first]) admit(one)
  world.hear(0)
  const order = [first, late, low].map((members) => {
    world.turn(0)
    world.look(0)
    return members.every((one) => howLeft(one).length === 1)
  })
  expect(order).toEqual([true, true, true])
})

test('a poisoned row fails its request alone, by name', () => {
  const { world, admit, howLeft } = makeWorld()
  const good = member(2)
  const bad = member(3, { values: [1, 1, POISON, 1, 1, 1] })
  admit(good)
  admit(bad)
  world.settle()
  expect(howLeft(good)).toEqual([good.values.map((value) => value * 2)])
  expect(world.left.get(bad.id)).toEqual([
    expect.objectContaining({ code: 'INFERENCE_FAILED', badRow: 1 }),
  ])
})

test('refusal() lets in no more requests than there are slots', () => {
  const { world, admit } = makeWorld({ queueRowsMax: 1e6 })
  let admitted = 0
  while (admit(member(1), admitted % 2 === 0 ? 'place' : 'tensors') === null) admitted++
  expect(admitted).toBeGreaterThan(SLOTS_PER_THREAD - 10)
  expect(world.queues[0]!.refusal(member(1), 1, world.nowMs)?.code).toBe('QUEUE_FULL')
  world.settle(400)
  expect(world.left.size).toBe(admitted)
  expect(admit(member(1))).toBeNull()
})

test('a thread says what its runs cost, in memory that all share', () => {
  const { world, admit } = makeWorld({
    planned: {
      runUsByRows: [
        [1, 300],
        [8, 1000],
      ],
    },
  })
  admit(member(1))
  world.settle()
  const { doubles } = world.pool
  expect(doubles[POOL_DOUBLES.COST_RUN_US]! + doubles[POOL_DOUBLES.COST_ROW_US]!).toBeGreaterThan(0)
})

test('what a policy rejects after its time is answered so, what it delays runs behind the others', () => {
  const base = { ...DEFAULT_QUEUE.base, defaultTimeoutUs: 5000 }
  const delay = { ...base, timeoutAction: 'delay' as const }
  const queue = { levels: 2, defaultLevel: 1, base, byLevel: { 2: delay } }
  const { world, admit, runs, howLeft } = makeWorld({ planned: { queue } })
  const timeoutMs = world.nowMs + 5
  const rejected = member(1, { priority: 1, timeoutMs })
  const delayed = member(1, { priority: 2, timeoutMs })
  for (const one of [rejected, delayed]) admit(one)
  world.pass(6)
  world.settle()
  expect(howLeft(rejected)).toEqual(['DEADLINE_EXPIRED'])
  expect(howLeft(delayed)).toEqual([delayed.values.map((value) => value * 2)])
  expect(runs()).toEqual([[1]])
})

test('refusal() refuses at once what could not end in time, by what its runs cost', () => {
  const runUsByRows = [
    [1, 3000],
    [8, 10_000],
  ] as const
  const { world, admit } = makeWorld({ planned: { runUsByRows } }, 10)
  for (let i = 0; i < 3; i++) {
    admit(member(8))
    world.settle(3)
  }
  for (let i = 0; i < 4; i++) admit(member(8))
  const deadlineMs = world.nowMs + 20
  expect(admit(member(1, { deadlineMs }))?.code).toBe('DEADLINE_UNMEETABLE')
  expect(admit(member(1, { deadlineMs: world.nowMs + 500 }))).toBeNull()
})

test('cancel() of what is ready again after its thread has died takes it out of the queue once', () => {
  const one = member(3)
  let isCancelled = false
  const session = new SlowSession(() => {
    world.links[0]!.look()
    world.die(0, 1)
    recover(world.pool, 0)
    isCancelled = world.queues[0]!.cancel(one)
  })
  const world = new PoolWorld({ dataThreads: 1, computeThreads: 1, session: () => session })
  world.admit(0, one, 'place')
  world.hear(0)
  world.turn(0)
  expect([isCancelled, world.queuedRows, world.queuedRequests]).toEqual([true, 0, 0])
})
