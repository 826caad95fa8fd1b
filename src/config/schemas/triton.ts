/**
 * Every key of Triton's ModelConfig (model_config.proto of its repository `common`), and what
 * becomes of it here. `docs/reference/config-pbtxt.md` is made from this.
 */

import { BATCH_ROWS_MAX, PREFERRED_SIZES_MAX, QUEUE_DELAY_US_MAX } from './model.ts'

/** A key that is read. */
export interface ObeyedKey {
  readonly verdict: 'obeyed'
  readonly type: 'string' | 'integer' | 'enum'
  readonly isRepeated?: true
  /** Of an integer. */
  readonly min?: number
  readonly max?: number
  /** The only values. */
  readonly words?: readonly string[]
  /** What to tell whoever wrote another value. */
  readonly hint?: string
  readonly says: string
}

/** A key that Triton knows and Sluice does not do. */
export interface OtherKey {
  /** refused: not to do it would change answers. */
  readonly verdict: 'warned' | 'refused'
  /** What happens instead, or why it cannot be served. */
  readonly says: string
  /** Values that ask for nothing. */
  readonly harmless?: readonly string[]
}

/** A message whose keys are looked at one by one. */
export interface Section {
  readonly keys: TritonKeys
  readonly isRepeated?: true
}

export type TritonKeys = Readonly<Record<string, ObeyedKey | OtherKey | Section>>

const warned = (says: string, harmless: readonly string[] = []): OtherKey => ({
  verdict: 'warned',
  says,
  harmless,
})
const refused = (says: string, harmless: readonly string[] = []): OtherKey => ({
  verdict: 'refused',
  says,
  harmless,
})
const text = (says: string, words?: readonly string[]): ObeyedKey => ({
  ...{ verdict: 'obeyed', type: 'string', says },
  ...(words === undefined ? {} : { words }),
})
const integer = (min: number, max: number, says: string): ObeyedKey => ({
  ...{ verdict: 'obeyed', type: 'integer', min, max, says },
})

/** As text format may write it. */
const FALSE = ['false', 'False', 'f', '0']
const TRUE = ['true', 'True', 't', '1']
const INT32_MAX = 2 ** 31 - 1

export const DATA_TYPES = [
  ...['TYPE_BOOL', 'TYPE_UINT8', 'TYPE_UINT16', 'TYPE_UINT32', 'TYPE_UINT64'],
  ...['TYPE_INT8', 'TYPE_INT16', 'TYPE_INT32', 'TYPE_INT64'],
  ...['TYPE_FP16', 'TYPE_FP32', 'TYPE_FP64', 'TYPE_STRING', 'TYPE_BF16'],
] as const

const dimension = (says: string): ObeyedKey => ({
  ...integer(-1, Number.MAX_SAFE_INTEGER, says),
  isRepeated: true,
})

const TENSOR_KEYS: TritonKeys = {
  name: text('a tensor of the model'),
  data_type: { ...text('as the model has it', DATA_TYPES), type: 'enum' },
  dims: dimension('as the model has them, without rows where there are any; -1 fits any'),
  reshape: {
    keys: {
      shape: dimension(
        'what is compared with the model, with a warning: clients send what the model has',
      ),
    },
  },
  is_shape_tensor: warned('it is of TensorRT', FALSE),
  is_non_linear_format_io: warned('it is of TensorRT', FALSE),
}

const INSTANCES =
  'every data thread of every replica has one session: `server.threads` and `server.replicas`'
const OWN_PARAMETER_MAP: Section = {
  isRepeated: true,
  keys: { key: text('a name'), value: { keys: { string_value: text('its value') } } },
}

const QUEUE = '`limits.queue_rows_max` bounds the queue; there are no priorities'

const DYNAMIC_BATCHING: TritonKeys = {
  preferred_batch_size: {
    ...integer(1, BATCH_ROWS_MAX, `sizes that end the waiting; at most ${PREFERRED_SIZES_MAX}`),
    isRepeated: true,
  },
  max_queue_delay_microseconds: integer(
    0,
    QUEUE_DELAY_US_MAX,
    'how long a batch may wait for company',
  ),
  preserve_ordering: warned('requests of several connections may be answered in any order', FALSE),
  priority_levels: warned(QUEUE, ['0']),
  default_priority_level: warned(QUEUE, ['0']),
  default_queue_policy: warned(QUEUE),
  priority_queue_policy: warned(QUEUE),
}

const OF_GPU = 'it is of GPUs'
const OF_TENSORRT = 'it is of TensorRT'

const ACCELERATOR: TritonKeys = {
  name: text('`cuda`; another one is warned about and left out'),
  parameters: warned('providers run with their defaults'),
}

const OPTIMIZATION: TritonKeys = {
  graph: {
    keys: {
      level: integer(
        -INT32_MAX,
        INT32_MAX,
        '-1: `basic`, 1: `extended`, 2: `disabled`, others: `all`, as in the ONNX backend',
      ),
    },
  },
  priority: warned(OF_TENSORRT, ['PRIORITY_DEFAULT', '0']),
  cuda: warned(OF_TENSORRT),
  execution_accelerators: {
    keys: {
      gpu_execution_accelerator: { isRepeated: true, keys: ACCELERATOR },
      cpu_execution_accelerator: warned('on CPUs ONNX Runtime runs operators itself'),
    },
  },
  input_pinned_memory: warned(OF_GPU),
  output_pinned_memory: warned(OF_GPU),
  gather_kernel_buffer_threshold: warned(OF_TENSORRT, ['0']),
  eager_batching: warned(OF_TENSORRT, FALSE),
}

const ONNX_ONLY = 'Sluice serves ONNX models only'

const ANSWERED_VERSION =
  'the `champion` of aliases.json answers, else the highest version; others when asked by number'

export const TRITON_KEYS: TritonKeys = {
  name: text('must be the name of the folder'),
  platform: { ...text('`onnxruntime_onnx`', ['onnxruntime_onnx', '']), hint: ONNX_ONLY },
  backend: { ...text('`onnxruntime`', ['onnxruntime', '']), hint: ONNX_ONLY },
  runtime: warned('the runtime is the one that Sluice brings along', ['']),
  version_policy: {
    keys: {
      latest: { keys: { num_versions: warned(ANSWERED_VERSION, ['1', '0']) } },
      all: warned(ANSWERED_VERSION),
      specific: warned(ANSWERED_VERSION),
    },
  },
  max_batch_size: integer(
    0,
    BATCH_ROWS_MAX,
    'most rows of one run. 0 or absent: with inputs and outputs declared, every request runs alone; else as measured',
  ),
  input: {
    isRepeated: true,
    keys: {
      ...TENSOR_KEYS,
      format: warned('tensors go to the model as they came', ['FORMAT_NONE', '0']),
      allow_ragged_batch: warned('requests of other shapes are other batches', FALSE),
      optional: warned('the input must be sent', FALSE),
    },
  },
  output: {
    isRepeated: true,
    keys: {
      ...TENSOR_KEYS,
      label_filename: warned('classes have the names in `classes` of manifest.json', ['']),
    },
  },
  batch_input: refused('it fills inputs of the model from the shapes of requests'),
  batch_output: refused('it scatters an output over requests by their shapes'),
  optimization: { keys: OPTIMIZATION },
  dynamic_batching: { keys: DYNAMIC_BATCHING },
  sequence_batching: refused('it keeps state from one request to the next'),
  ensemble_scheduling: refused('it is made of other models'),
  instance_group: warned(INSTANCES),
  default_model_filename: text('`model.onnx`', ['model.onnx', '']),
  cc_model_filenames: warned('model.onnx is served on every machine'),
  metric_tags: warned('metrics bear the labels of docs/reference/metrics.md'),
  parameters: OWN_PARAMETER_MAP,
  model_warmup: warned('every session is warmed up with the example row of profile.json'),
  model_operations: warned('libraries of operators are not loaded'),
  model_transaction_policy: {
    keys: { decoupled: refused('a request is answered once', FALSE) },
  },
  model_repository_agents: warned(
    'agents are not run; manifest.json holds the digest of a version',
  ),
  response_cache: { keys: { enable: warned('every request is run', FALSE) } },
  model_metrics: warned('histograms have the bounds of docs/reference/metrics.md'),
}

/** The parameters of Triton's ONNX backend, and what becomes of them. */
export interface Parameter {
  readonly verdict: 'obeyed' | 'warned'
  readonly type?: 'threads' | 'mode' | 'boolean'
  readonly says: string
  readonly harmless?: readonly string[]
}

const OF_CUDA: Parameter = { verdict: 'warned', says: 'providers run with their defaults' }

export const PARAMETERS = {
  intra_op_thread_count: {
    ...{ verdict: 'obeyed', type: 'threads' },
    says: '`session.intra_op_threads`; 1 where it is absent, unlike in Triton',
  },
  inter_op_thread_count: {
    ...{ verdict: 'obeyed', type: 'threads' },
    says: '`session.inter_op_threads`; 1 where it is absent, unlike in Triton',
  },
  execution_mode: {
    ...{ verdict: 'obeyed', type: 'mode' },
    says: '`session.execution_mode`; 0: `sequential`, 1: `parallel`',
  },
  enable_mem_arena: { verdict: 'obeyed', type: 'boolean', says: '`session.memory_arena`' },
  enable_mem_pattern: { verdict: 'obeyed', type: 'boolean', says: '`session.memory_pattern`' },
  'memory.enable_memory_arena_shrinkage': {
    verdict: 'warned',
    says: 'an arena keeps its memory',
    harmless: [''],
  },
  'session.use_device_allocator_for_initializers': {
    verdict: 'warned',
    says: 'weights lie in the arena',
    harmless: ['0', ''],
  },
  share_session_between_instances: {
    verdict: 'warned',
    says: INSTANCES,
    harmless: FALSE,
  },
  cudnn_conv_algo_search: OF_CUDA,
  gpu_mem_limit: OF_CUDA,
  arena_extend_strategy: OF_CUDA,
  do_copy_in_default_stream: OF_CUDA,
} as const satisfies Readonly<Record<string, Parameter>>

export const PARAMETER_BOOLEANS: Readonly<Record<string, boolean>> = Object.fromEntries([
  ...FALSE.map((word) => [word, false] as const),
  ...TRUE.map((word) => [word, true] as const),
])
