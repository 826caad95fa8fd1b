/** The schema of model.yaml: Triton's words where Triton has them. */

import { z } from 'zod'
import { EXECUTION_MODES, GRAPH_OPTIMIZATIONS, PROVIDERS } from '../../shared/session-settings.ts'

export const BATCH_ROWS_MAX = 65_536
export const QUEUE_DELAY_US_MAX = 10_000_000
export const PREFERRED_SIZES_MAX = 64
/** Of a pool. Every session has its own, on every data thread of every replica. */
export const SESSION_THREADS_MAX = 256

export const modelSchema = z.strictObject({
  max_batch_size: z
    .int()
    .min(0)
    .max(BATCH_ROWS_MAX)
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
    })
    .prefault({}),
  session: z
    .strictObject({
      intra_op_threads: z
        .int()
        .min(0)
        .max(SESSION_THREADS_MAX)
        .default(1)
        .describe(
          'Threads that share the work of one operator. 0: one for each core. Every data thread of every replica has so many for this model; more than 1 helps a large model that is asked seldom, and costs throughput otherwise.',
        ),
      inter_op_threads: z
        .int()
        .min(0)
        .max(SESSION_THREADS_MAX)
        .default(1)
        .describe(
          'Threads that run operators side by side in `parallel` mode. 0: one for each core.',
        ),
      execution_mode: z
        .enum(EXECUTION_MODES)
        .default('sequential')
        .describe('`parallel`: branches of the graph run side by side, on `inter_op_threads`.'),
      graph_optimization: z
        .enum(GRAPH_OPTIMIZATIONS)
        .default('all')
        .describe(
          'What ONNX Runtime may make of the graph when the version is proved; replicas load the result. Lower it if an optimisation changes the answers.',
        ),
      memory_arena: z
        .boolean()
        .default(true)
        .describe('Memory of a run is kept for the next. false: less memory, slower runs.'),
      memory_pattern: z
        .boolean()
        .default(true)
        .describe(
          'Memory is laid out ahead for shapes seen before. false: where nearly every request has another shape.',
        ),
      providers: z
        .array(z.enum(PROVIDERS))
        .min(1)
        .max(PROVIDERS.length)
        .refine((names) => new Set(names).size === names.length, 'names a provider twice')
        .default(['cpu'])
        .describe(
          'Where operators run, by falling preference; the CPU takes the rest. A version that asks for `cuda` where ONNX Runtime cannot use it fails with PROVIDER_UNAVAILABLE.',
        ),
    })
    .prefault({}),
})
