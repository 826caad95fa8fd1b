/** `dynamic_batching` of model.yaml: what may wait, how long, and in which order. */

import { z } from 'zod'
import { IDLE_LEVELS, idleLevels, queueFaults } from './queue-rules.ts'

export const BATCH_ROWS_MAX = 65_536
export const QUEUE_DELAY_US_MAX = 10_000_000
export const PREFERRED_SIZES_MAX = 64
/** Every level has a queue of its own. */
export const PRIORITY_LEVELS_MAX = 256
/** A day: what waits longer has no timeout. */
export const QUEUE_TIMEOUT_US_MAX = 86_400_000_000
export const QUEUE_REQUESTS_MAX = 2 ** 32 - 1

export const TIMEOUT_ACTIONS = ['REJECT', 'DELAY'] as const

/** Without prefault: a level of its own may say as little as it likes. */
const queuePolicy = z.strictObject({
  timeout_action: z
    .enum(TIMEOUT_ACTIONS)
    .default('REJECT')
    .describe(
      'What becomes of a request that has waited for its timeout. `REJECT`: it is refused with DEADLINE_EXPIRED. `DELAY`: it runs after all that are in time.',
    ),
  default_timeout_microseconds: z
    .int()
    .min(0)
    .max(QUEUE_TIMEOUT_US_MAX)
    .default(0)
    .describe('How long a request may wait for its run. 0: as long as it takes.'),
  allow_timeout_override: z
    .boolean()
    .default(false)
    .describe('Whether a request may ask for a shorter time with its parameter `timeout`.'),
  max_queue_size: z
    .int()
    .min(0)
    .max(QUEUE_REQUESTS_MAX)
    .default(0)
    .describe('Most requests that may wait. 0: as the limits of the server allow.'),
})

export type QueuePolicyYaml = z.output<typeof queuePolicy>

const LEVEL = /^[1-9][0-9]{0,8}$/

export const queueingSection = z
  .strictObject({
    max_queue_delay_microseconds: z
      .int()
      .min(0)
      .max(QUEUE_DELAY_US_MAX)
      .default(0)
      .describe(
        'How long a batch may wait for company. 0: never; what waits while the model runs is batched anyway. Raise it only when a larger batch is worth the latency.',
      ),
    preferred_batch_size: z
      .array(z.int().min(1).max(BATCH_ROWS_MAX))
      .max(PREFERRED_SIZES_MAX)
      .default([])
      .describe('Sizes that end the waiting. Most models need none.'),
    priority_levels: z
      .int()
      .min(0)
      .max(PRIORITY_LEVELS_MAX)
      .default(0)
      .describe(
        'Levels of priority, 1 the first: what waits on a lower number runs before all others. 0: there are none.',
      ),
    default_priority_level: z
      .int()
      .min(0)
      .max(PRIORITY_LEVELS_MAX)
      .default(0)
      .describe(
        'Level of a request that names none with its parameter `priority`. Must be given where there are levels.',
      ),
    default_queue_policy: queuePolicy.prefault({}),
    priority_queue_policy: z
      .record(z.string().regex(LEVEL, 'is no level: a number from 1'), queuePolicy)
      .default({})
      .describe(
        'Levels that have a policy of their own, with the keys of `default_queue_policy`: `{1: {max_queue_size: 8}}`. What such a policy leaves out has its default, not what `default_queue_policy` says.',
      ),
  })
  .check(({ value, issues }) => {
    const levels = {
      levels: value.priority_levels,
      defaultLevel: value.default_priority_level,
      policyLevels: Object.keys(value.priority_queue_policy).map(Number),
    }
    const faults = queueFaults(levels)
    for (const { key, level, message } of faults) {
      const path = level === undefined ? [key] : [key, String(level)]
      issues.push({ code: 'custom', path, message, input: value })
    }
    for (const key of idleLevels(levels)) {
      issues.push({ code: 'custom', path: [key], message: IDLE_LEVELS, input: value })
    }
  })
  .prefault({})
