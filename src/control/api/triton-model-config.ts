/**
 * The config of a version as Triton gives it: `ModelConfig` of its model_config.proto as JSON
 * (core, model_config_utils.cc, `ModelConfigToJson`: names as in the file, 64-bit integers as
 * numbers, defaults written out). It says what is in force, wherever that was said. Pure.
 */

import type { ModelConfig, VersionPolicy } from '../../config/config.ts'
import type { PlannedVersion } from '../../shared/epoch-plan.ts'
import type { QueuePolicy } from '../../shared/queue-policy.ts'
import { gpusOf, type SessionSettings, usesGpu } from '../../shared/session-settings.ts'
import type { TensorSignature } from '../../shared/tensor.ts'
import type { WarmupInput, WarmupSample } from '../../shared/warmup-sample.ts'

/** Of the settings of a model, what a planned version does not have. */
export type ModelSettings = Pick<ModelConfig, 'versionPolicy' | 'warmups'>

const typeOf = (datatype: string): string => `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`

const versionPolicy = (policy: VersionPolicy): object => {
  if (policy.kind === 'latest') return { latest: { num_versions: policy.count } }
  return policy.kind === 'all' ? { all: {} } : { specific: { versions: policy.versions } }
}

/** Without the row dimension, where `max_batch_size` stands for it. */
const dimsOf = ({ shape }: TensorSignature, rowsMax: number): readonly number[] =>
  rowsMax > 0 ? shape.slice(1) : shape

const queuePolicy = (policy: QueuePolicy): object => ({
  timeout_action: policy.timeoutAction.toUpperCase(),
  default_timeout_microseconds: policy.defaultTimeoutUs,
  allow_timeout_override: policy.allowTimeoutOverride,
  max_queue_size: policy.requestsMax,
})

const dynamicBatching = ({ batching, queue }: PlannedVersion): object => ({
  preferred_batch_size: batching.preferredRows,
  max_queue_delay_microseconds: batching.queueDelayUsMax,
  preserve_ordering: false,
  priority_levels: queue.levels,
  default_priority_level: queue.defaultLevel,
  default_queue_policy: queuePolicy(queue.base),
  priority_queue_policy: Object.fromEntries(
    Object.entries(queue.byLevel).map(([level, policy]) => [level, queuePolicy(policy)]),
  ),
})

/** Levels of `optimization.graph`; those of Triton's backend without one are ours. */
const GRAPH_LEVELS: Readonly<Record<SessionSettings['graphOptimization'], number>> = {
  disabled: 2,
  basic: -1,
  extended: 1,
  all: 0,
}

const optimization = ({ graphOptimization }: SessionSettings): object => ({
  graph: { level: GRAPH_LEVELS[graphOptimization] },
  priority: 'PRIORITY_DEFAULT',
  input_pinned_memory: { enable: false },
  output_pinned_memory: { enable: false },
  gather_kernel_buffer_threshold: 0,
  eager_batching: false,
})

const parametersOf = (session: SessionSettings): object => {
  const texts = {
    intra_op_thread_count: session.intraOpThreads,
    inter_op_thread_count: session.interOpThreads,
    execution_mode: session.executionMode === 'parallel' ? 1 : 0,
    enable_mem_arena: session.memoryArena ? 1 : 0,
    enable_mem_pattern: session.memoryPattern ? 1 : 0,
  }
  const entries = Object.entries(texts)
  return Object.fromEntries(entries.map(([key, value]) => [key, { string_value: String(value) }]))
}

const warmupInput = ({ datatype, dims, data }: WarmupInput): object => ({
  data_type: typeOf(datatype),
  dims,
  ...(data.kind === 'zero' ? { zero_data: true } : {}),
  ...(data.kind === 'random' ? { random_data: true } : {}),
  ...(data.kind === 'file' ? { input_data_file: data.file } : {}),
})

const warmup = ({ name, batchSize, count, inputs }: WarmupSample): object => ({
  name,
  batch_size: batchSize,
  inputs: Object.fromEntries(inputs.map((input) => [input.name, warmupInput(input)])),
  count,
})

/** `instances`: sessions of the version in the whole gateway. */
export const tritonModelConfig = (
  planned: PlannedVersion,
  settings: ModelSettings,
  instances: number,
): object => {
  const { model, batching, signature, session } = planned
  const { rowsMax, mixesRequests } = batching
  return {
    name: model,
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    runtime: '',
    version_policy: versionPolicy(settings.versionPolicy),
    max_batch_size: rowsMax,
    input: signature.inputs.map((input) => ({
      name: input.name,
      data_type: typeOf(input.datatype),
      format: 'FORMAT_NONE',
      dims: dimsOf(input, rowsMax),
      is_shape_tensor: false,
      allow_ragged_batch: false,
      optional: false,
    })),
    output: signature.outputs.map((output) => ({
      name: output.name,
      data_type: typeOf(output.datatype),
      dims: dimsOf(output, rowsMax),
      label_filename: '',
      is_shape_tensor: false,
    })),
    batch_input: [],
    batch_output: [],
    optimization: optimization(session),
    ...(mixesRequests ? { dynamic_batching: dynamicBatching(planned) } : {}),
    instance_group: [
      {
        name: model,
        kind: usesGpu(session) ? 'KIND_GPU' : 'KIND_CPU',
        count: instances,
        gpus: [...new Set(gpusOf(session))],
        secondary_devices: [],
        profile: [],
        passive: false,
        host_policy: '',
      },
    ],
    default_model_filename: 'model.onnx',
    cc_model_filenames: {},
    metric_tags: {},
    parameters: parametersOf(session),
    model_warmup: settings.warmups.map(warmup),
  }
}
