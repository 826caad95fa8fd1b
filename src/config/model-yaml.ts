/** From what model.yaml says to what is done: plain data in our own words. */

import type { z } from 'zod'
import type { QueuePolicies, QueuePolicy } from '../shared/queue-policy.ts'
import { type CudaSettings, DEFAULT_CUDA } from '../shared/session-settings.ts'
import type { WarmupData, WarmupInput, WarmupSample } from '../shared/warmup-sample.ts'
import type { ModelConfig, VersionPolicy } from './config.ts'
import type { modelSchema } from './schemas/model.ts'
import type { QueuePolicyYaml } from './schemas/queueing.ts'
import type { WarmupInputYaml } from './schemas/warm-up.ts'

type ModelYaml = z.output<typeof modelSchema>

const versionPolicyOf = ({ latest, all, specific }: ModelYaml['version_policy']): VersionPolicy => {
  if (all !== undefined) return { kind: 'all' }
  if (specific !== undefined) return { kind: 'specific', versions: specific.versions }
  return { kind: 'latest', count: latest?.num_versions ?? 1 }
}

const queuePolicyOf = (yaml: QueuePolicyYaml): QueuePolicy => ({
  timeoutAction: yaml.timeout_action === 'DELAY' ? 'delay' : 'reject',
  defaultTimeoutUs: yaml.default_timeout_microseconds,
  allowTimeoutOverride: yaml.allow_timeout_override,
  requestsMax: yaml.max_queue_size,
})

const queueOf = (yaml: ModelYaml['dynamic_batching']): QueuePolicies => ({
  levels: yaml.priority_levels,
  defaultLevel: yaml.default_priority_level,
  base: queuePolicyOf(yaml.default_queue_policy),
  byLevel: Object.fromEntries(
    Object.entries(yaml.priority_queue_policy).map(([level, policy]) => [
      level,
      queuePolicyOf(policy),
    ]),
  ),
})

/** A word of Triton's DataType as the protocol has it. */
export const datatypeOf = (word: string): string =>
  word === 'TYPE_STRING' ? 'BYTES' : word.replace('TYPE_', '')

const dataOf = ({ zero_data, input_data_file: file }: WarmupInputYaml): WarmupData => {
  if (file !== undefined) return { kind: 'file', file }
  return { kind: zero_data ? 'zero' : 'random' }
}

const warmupOf = (yaml: ModelYaml['model_warmup'][number]): WarmupSample => ({
  name: yaml.name,
  batchSize: yaml.batch_size,
  count: Math.max(1, yaml.count),
  inputs: Object.entries(yaml.inputs).map(
    ([name, input]): WarmupInput => ({
      name,
      datatype: datatypeOf(input.data_type),
      dims: input.dims,
      data: dataOf(input),
    }),
  ),
})

const cudaOf = ({ providers, cuda }: ModelYaml['session']): CudaSettings | null => {
  if (cuda === undefined) return providers.includes('cuda') ? DEFAULT_CUDA : null
  const { device_ids: deviceIds, require: isRequired, memory_bytes_max: memoryBytesMax } = cuda
  return { deviceIds, isRequired, memoryBytesMax }
}

export const modelConfigOf = (yaml: ModelYaml): ModelConfig => {
  const { dynamic_batching, session } = yaml
  return {
    maxBatchSize: yaml.max_batch_size,
    maxQueueDelayUs: dynamic_batching.max_queue_delay_microseconds,
    preferredBatchSize: dynamic_batching.preferred_batch_size,
    session: {
      intraOpThreads: session.intra_op_threads,
      interOpThreads: session.inter_op_threads,
      executionMode: session.execution_mode,
      graphOptimization: session.graph_optimization,
      memoryArena: session.memory_arena,
      memoryPattern: session.memory_pattern,
      providers: session.providers,
      cuda: cudaOf(session),
    },
    queue: queueOf(dynamic_batching),
    versionPolicy: versionPolicyOf(yaml.version_policy),
    placement: yaml.placement,
    instances: yaml.instances,
    warmups: yaml.model_warmup.map(warmupOf).filter(({ batchSize }) => batchSize > 0),
    declared: null,
  }
}
