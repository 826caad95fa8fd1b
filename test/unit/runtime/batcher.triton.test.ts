/**
 * Triton's own cases, under a fake clock: qa/L0_model_queue/model_queue_test.py and
 * qa/L0_batcher/batcher_test.py of triton-inference-server/server. Times are theirs, in
 * milliseconds; a member's number is its place in their script.
 */

import { describe, expect, test } from 'vitest'
import { termsOf } from '../../../src/server/queue-terms.ts'
import {
  DEFAULT_QUEUE,
  type QueuePolicies,
  type QueuePolicy,
} from '../../../src/shared/queue-policy.ts'
import { BatcherRig, type RigOptions } from '../../helpers/batcher-rig.ts'

const DELAY_US = 10_000_000

const queueOf = (policy: Partial<QueuePolicy>, more: Partial<QueuePolicies> = {}) => ({
  ...DEFAULT_QUEUE,
  base: { ...DEFAULT_QUEUE.base, ...policy },
  ...more,
})

/** A gateway of one instance, and when each member was answered. */
class Script {
  readonly rig: BatcherRig
  readonly #queue: QueuePolicies
  readonly refused: string[] = []
  #answeredMs = new Map<number, number>()

  constructor(queue: QueuePolicies, options: RigOptions = {}) {
    this.#queue = queue
    const policy = { rowsMax: 8, queueDelayUsMax: DELAY_US, preferredRows: [4, 8] }
    this.rig = new BatcherRig({ ...options, policy: { ...policy, ...options.policy, queue } })
  }

  /** Sends a request of so many rows. */
  send(number: number, rows: number, priority = 0, timeoutUs = 0, width = 2): void {
    const { rig } = this
    const exchange = { startedMs: rig.turns.nowMs, grant: null }
    const asked = { askedPriority: priority, askedTimeoutUs: timeoutUs, exchange }
    const asker = rig.asker(number, termsOf(this.#queue, asked, Infinity))
    const refusal = rig.batcher.refusal(asker, rows, rig.turns.nowMs)
    if (refusal !== null) this.refused.push(refusal.detail)
    else if (width === 2) rig.admit(number, new Array<number>(rows).fill(number))
    else rig.admitTensors(number, new Array<number>(rows).fill(number), width)
    this.#look()
  }

  /** Lets time pass in steps of 1 ms. */
  pass(ms: number): void {
    for (let i = 0; i < ms; i++) {
      this.rig.turns.turn()
      this.#look()
      this.rig.turns.advance(1)
      this.#look()
    }
  }

  #look(): void {
    for (const number of this.rig.outcomes.keys()) {
      if (!this.#answeredMs.has(number)) this.#answeredMs.set(number, this.rig.turns.nowMs)
    }
  }

  answeredMs(number: number): number | undefined {
    return this.#answeredMs.get(number)
  }

  codes(...numbers: number[]): (string | undefined)[] {
    return numbers.map((number) => {
      const [outcome] = this.rig.outcomes.get(number) ?? []
      return outcome === undefined ? 'waits' : (outcome.detail ?? 'answered')
    })
  }
}

describe('L0_model_queue', () => {
  test('test_max_queue_size: exactly two of ten are refused while the model is busy', () => {
    const script = new Script(queueOf({ requestsMax: 8 }), { policy: { queueDelayUsMax: 0 } })
    script.send(0, 8)
    script.rig.turns.turn() // runs; what comes meanwhile waits
    for (let number = 1; number <= 10; number++) script.send(number, 1)
    expect(script.refused).toHaveLength(2)
    expect(script.refused[0]).toContain('Exceeds maximum queue size')
    script.pass(10)
    expect(script.rig.calls).toEqual([8, 8])
  })

  test('test_policy_delay: who is late runs after those in time, once there is company', () => {
    const queue = queueOf({ timeoutAction: 'delay', defaultTimeoutUs: 100_000 })
    const script = new Script(queue)
    script.send(1, 1)
    script.pass(200)
    script.send(2, 2)
    script.send(3, 2)
    script.pass(100)
    expect(script.codes(1, 2, 3)).toEqual(['waits', 'answered', 'answered'])
    expect(script.rig.calls).toEqual([4])
    script.pass(9800)
    expect(script.answeredMs(1)).toBeGreaterThanOrEqual(10_000)
    expect(script.codes(1)).toEqual(['answered'])
  })

  test('test_policy_reject: who is late is refused, and promptly', () => {
    const script = new Script(queueOf({ defaultTimeoutUs: 100_000 }))
    script.send(1, 1)
    script.pass(200)
    script.send(2, 2)
    script.send(3, 2)
    script.pass(100)
    expect(script.codes(1, 2, 3)).toEqual(['Request timeout expired', 'answered', 'answered'])
    expect(script.answeredMs(1)).toBeLessThanOrEqual(101)
  })

  test('test_timeout_override: a request can shorten its time, and not lengthen it', () => {
    const queue = queueOf({ defaultTimeoutUs: 1_000_000, allowTimeoutOverride: true })
    const shorter = new Script(queue)
    shorter.send(1, 1, 0, 100_000)
    shorter.pass(200)
    shorter.send(2, 2)
    shorter.send(3, 2)
    shorter.pass(100)
    expect(shorter.codes(1, 2, 3)).toEqual(['Request timeout expired', 'answered', 'answered'])
    const longer = new Script(queue)
    longer.send(1, 1, 0, 10_000_000)
    longer.pass(1100)
    expect(longer.answeredMs(1)).toBeLessThanOrEqual(1001)
    expect(longer.codes(1)).toEqual(['Request timeout expired'])
  })

  test('test_priority_levels: a request of level 1 goes to the front, with company from behind', () => {
    const script = new Script(queueOf({}, { levels: 2, defaultLevel: 2 }))
    script.send(1, 2)
    script.pass(100)
    script.send(2, 1)
    script.pass(200)
    script.send(3, 2, 1)
    script.pass(100)
    expect(script.rig.calls).toEqual([4])
    expect(script.rig.served).toEqual([[3, 4]])
    expect(script.codes(1, 2, 3)).toEqual(['answered', 'waits', 'answered'])
    // The delay counts from who opened the batch, though he is gone: not longer than Triton's.
    script.pass(9700)
    expect(script.answeredMs(2)).toBe(10_000)
  })

  test('test_priority_with_policy: each level keeps its own policy', () => {
    const longest = { defaultTimeoutUs: 11_000_000, allowTimeoutOverride: true }
    const queue = queueOf(
      { ...longest, timeoutAction: 'delay' },
      {
        levels: 2,
        defaultLevel: 2,
        byLevel: { 2: { ...DEFAULT_QUEUE.base, ...longest, timeoutAction: 'reject' } },
      },
    )
    const script = new Script(queue, { policy: { rowsMax: 32, preferredRows: [4, 8, 32] } })
    const sent: [number, number, number][] = [
      [2, 1, 0],
      [1, 1, 1_000_000],
      [2, 1, 0],
      [2, 2, 2_000_000],
      [3, 2, 0],
      [6, 2, 0],
    ]
    for (const [i, [rows, priority, timeoutUs]] of sent.entries()) {
      script.send(i + 1, rows, priority, timeoutUs)
      script.pass(200)
    }
    script.pass(9900)
    // The first two of level 1, then who was late there with one of level 2, then the last.
    expect(script.rig.calls).toEqual([4, 4, 6])
    expect(script.codes(4)).toEqual(['Request timeout expired'])
    const times = [1, 3, 2, 5, 4, 6].map((number) => script.answeredMs(number)!)
    expect(times.slice(0, 5).map((ms) => Math.round(ms / 100) / 10)).toEqual([
      1.2, 1.2, 2.6, 2.6, 2.6,
    ])
    expect(times[5]).toBe(10_600)
  })
})

describe('L0_batcher', () => {
  const plain = (policy: RigOptions['policy'] = {}) =>
    new Script(DEFAULT_QUEUE, {
      policy: { preferredRows: [2, 6], queueDelayUsMax: 500_000, ...policy },
    })

  test.each([
    ['test_static_batch_preferred', 2, true],
    ['test_static_batch_preferred', 6, true],
    ['test_static_batch_lt_any_preferred', 1, false],
    ['test_static_batch_not_preferred', 3, false],
    ['test_static_batch_gt_max_preferred', 7, true],
  ])('%s: %i rows alone run at once: %s', (_name, rows, isAtOnce) => {
    const script = plain()
    script.send(1, rows)
    script.pass(10)
    expect(script.codes(1)).toEqual([isAtOnce ? 'answered' : 'waits'])
    script.pass(500)
    expect(script.codes(1)).toEqual(['answered'])
  })

  test('test_multi_batch_different_shape: shapes never share a run', () => {
    const script = new Script(DEFAULT_QUEUE, {
      innerShape: [-1],
      policy: { preferredRows: [2, 6], queueDelayUsMax: 500_000 },
    })
    script.send(1, 1, 0, 0, 16)
    script.send(2, 1, 0, 0, 8)
    script.pass(10)
    expect(script.codes(1, 2)).toEqual(['answered', 'waits'])
    script.pass(500)
    expect(script.rig.calls).toEqual([1, 1])
  })

  test('test_multi_batch_not_preferred: both wait for what is left of the first delay', () => {
    const script = plain()
    script.send(1, 1)
    script.pass(100)
    script.send(2, 3)
    script.pass(300)
    expect(script.codes(1, 2)).toEqual(['waits', 'waits'])
    script.pass(110)
    expect(script.rig.calls).toEqual([4])
  })

  test('test_multi_batch_use_biggest_preferred: the largest sum that is preferred', () => {
    const script = plain()
    for (let number = 1; number <= 6; number++) script.send(number, 1)
    script.pass(10)
    expect(script.rig.calls).toEqual([6])
  })

  test('test_multi_batch_use_best_preferred: the rest goes on waiting', () => {
    const script = plain()
    for (let number = 1; number <= 3; number++) script.send(number, 1)
    script.pass(10)
    expect(script.rig.calls).toEqual([2])
    script.pass(500)
    expect(script.rig.calls).toEqual([2, 1])
  })

  test('test_multi_batch_delayed_sum_gt_max_preferred differs: one run takes what fits', () => {
    const script = plain()
    script.send(1, 3)
    script.send(2, 4)
    script.pass(10)
    expect(script.rig.calls).toEqual([7])
  })
})
