/** The schema of model.yaml: Triton's words where Triton has them. */

import { z } from 'zod'

export const modelSchema = z.strictObject({
  max_batch_size: z
    .int()
    .min(0)
    .max(65_536)
    .nullable()
    .default(null)
    .describe(
      'Most rows of one run. null: where the proving run found the cost per row to stop falling. 0: every request runs alone, as its tensors came.',
    ),
  dynamic_batching: z
    .strictObject({
      max_queue_delay_microseconds: z
        .int()
        .min(0)
        .max(10_000_000)
        .default(0)
        .describe(
          'How long a batch may wait for company. 0: never; what waits while the model runs is batched anyway. Raise it only when a larger batch is worth the latency.',
        ),
      preferred_batch_size: z
        .array(z.int().min(1).max(65_536))
        .max(64)
        .default([])
        .describe('Sizes that end the waiting. Most models need none.'),
    })
    .prefault({}),
})
