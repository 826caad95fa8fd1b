/** The schema of model.yaml: Triton's words where Triton has them. */

import { z } from 'zod'
import { PLACEMENT_WISHES } from '../../shared/placement.ts'
import { EXECUTION_MODES, GRAPH_OPTIMIZATIONS, PROVIDERS } from '../../shared/session-settings.ts'
import { BATCH_ROWS_MAX, queueingSection } from './queueing.ts'
import { warmupSection } from './warm-up.ts'

export const VERSIONS_MAX = 1000
export const INSTANCES_MAX = 1024
/** Of a pool. Every session has its own, on every data thread of every replica. */
export const SESSION_THREADS_MAX = 256
export const DEVICE_ID_MAX = 127

const versionPolicy = z
  .strictObject({
    latest: z
      .strictObject({
        num_versions: z
          .int()
          .min(1)
          .max(VERSIONS_MAX)
          .default(1)
          .describe('The highest so many versions are loaded.'),
      })
      .optional(),
    all: z.strictObject({}).optional().describe('`{}`: all versions are loaded.'),
    specific: z
      .strictObject({
        versions: z
          .array(z.int().min(1))
          .min(1)
          .max(VERSIONS_MAX)
          .describe('Versions that are loaded, as far as they are there.'),
      })
      .optional(),
  })
  .refine((policy) => Object.keys(policy).length <= 1, 'wants one of latest, all, specific')
  .prefault({})

const cudaSection = z.strictObject({
  device_ids: z
    .array(z.int().min(0).max(DEVICE_ID_MAX))
    .min(1)
    .max(INSTANCES_MAX)
    .default([0])
    .describe(
      'GPUs, as CUDA counts them: the first session of a replica has the first one, and so on in turn. Without `instances` a replica has one session for each, as far as `server.compute_threads` goes.',
    ),
  require: z
    .boolean()
    .default(false)
    .describe(
      'What becomes of a version whose GPU cannot be used: true: it fails with PROVIDER_UNAVAILABLE. false: the CPU runs it, and `sluice models` warns of that. A version none of whose operators runs on the GPU is served by the CPU all the same.',
    ),
  memory_bytes_max: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'Most memory of its GPU that the proving run may take beyond what CUDA takes itself, as nvidia-smi tells; more fails the version. It is no limit of what serves: ONNX Runtime for Node passes none on.',
    ),
})

export const modelSchema = z.strictObject({
  version_policy: versionPolicy,
  max_batch_size: z
    .int()
    .min(0)
    .max(BATCH_ROWS_MAX)
    .nullable()
    .default(null)
    .describe(
      'Most rows of one run. null: where the proving run found the cost per row to stop falling. 0: every request runs alone, as its tensors came.',
    ),
  dynamic_batching: queueingSection,
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
        .refine((names) => names[0] !== 'cpu' || !names.includes('cuda'), 'names cuda behind cpu')
        .default(['cpu'])
        .describe(
          'Where operators run, by falling preference; the CPU takes the rest. docs/guides/gpu.md says what `cuda` needs.',
        ),
      cuda: cudaSection.optional(),
    })
    .refine(({ providers, cuda }) => cuda === undefined || providers.includes('cuda'), {
      path: ['cuda'],
      message: 'says how `cuda` is used, which `providers` does not name',
    })
    .prefault({}),
  placement: z
    .enum(PLACEMENT_WISHES)
    .default('auto')
    .describe(
      'Where sessions live. `inline`: one in every data thread; `pooled`: in compute threads; `auto`: inline if a full batch takes less than 1 ms and the sessions fit the memory for them.',
    ),
  instances: z
    .int()
    .min(1)
    .max(INSTANCES_MAX)
    .nullable()
    .default(null)
    .describe(
      'Sessions in the compute threads of a replica, each on a thread of its own, where the version is pooled: `server.compute_threads` at most. null: one for each of these threads.',
    ),
  model_warmup: warmupSection,
})
