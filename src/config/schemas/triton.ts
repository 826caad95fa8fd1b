/**
 * Every key of Triton's ModelConfig (model_config.proto of its repository `common`), and what
 * becomes of it here. `docs/reference/config-pbtxt.md` is made from this.
 */

import { BATCH_ROWS_MAX, PREFERRED_SIZES_MAX, QUEUE_DELAY_US_MAX } from './model.ts'

/** A key that is read. */
export interface ObeyedKey {
  readonly verdict: 'obeyed'
  readonly type: 'string' | 'integer' | 'boolean' | 'enum'
  readonly isRepeated?: true
  /** Most values of one that is repeated. */
  readonly countMax?: number
  /** Of an integer. A larger one counts as `max`, with a warning. */
  readonly min?: number
  readonly max?: number
  /** The only values. */
  readonly words?: readonly string[]
  /** Of an enum: the number of its first word; those of the others follow. */
  readonly firstNumber?: number
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
  /** What to do about it. */
  readonly hint?: string
  /** It may stand more than once. */
  readonly isRepeated?: true
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

const manyWarned = (says: string, harmless: readonly string[] = []): OtherKey => ({
  ...warned(says, harmless),
  isRepeated: true,
})

/** As text format may write it. */
export const FALSE = ['false', 'False', 'f', '0']
const TRUE = ['true', 'True', 't', '1']
const BOOLEAN = [...FALSE, ...TRUE]
const INT32_MAX = 2 ** 31 - 1

/** In the order of their numbers, from 1. */
export const DATA_TYPES = [
  ...['TYPE_BOOL', 'TYPE_UINT8', 'TYPE_UINT16', 'TYPE_UINT32', 'TYPE_UINT64'],
  ...['TYPE_INT8', 'TYPE_INT16', 'TYPE_INT32', 'TYPE_INT64'],
  ...['TYPE_FP16', 'TYPE_FP32', 'TYPE_FP64', 'TYPE_STRING', 'TYPE_BF16'],
] as const

/** ONNX Runtime has no tensor of more. */
const DIMENSIONS_MAX = 64

const dimension = (says: string): ObeyedKey => ({
  ...integer(-1, Number.MAX_SAFE_INTEGER, says),
  ...{ isRepeated: true, countMax: DIMENSIONS_MAX },
})

const TENSOR_KEYS: TritonKeys = {
  name: text('a tensor of the model'),
  data_type: { ...text('as the model has it', DATA_TYPES), type: 'enum', firstNumber: 1 },
  dims: dimension('as the model has them, without rows where there are any; -1 fits any'),
  is_shape_tensor: warned('it is of TensorRT', FALSE),
  is_non_linear_format_io: warned('it is of TensorRT', FALSE),
}

export const INSTANCES =
  'every data thread of every replica has one session: `server.threads` and `server.replicas`'
const OWN_PARAMETER_MAP: Section = {
  isRepeated: true,
  keys: { key: text('a name'), value: { keys: { string_value: text('its value') } } },
}

const QUEUE = '`limits.queue_rows_max` bounds the queue; there are no priorities'

const DYNAMIC_BATCHING: TritonKeys = {
  preferred_batch_size: {
    ...integer(1, BATCH_ROWS_MAX, `sizes that end the waiting; at most ${PREFERRED_SIZES_MAX}`),
    ...{ isRepeated: true, countMax: PREFERRED_SIZES_MAX },
  },
  max_queue_delay_microseconds: integer(
    0,
    QUEUE_DELAY_US_MAX,
    `how long a batch may wait for company; at most ${QUEUE_DELAY_US_MAX}`,
  ),
  preserve_ordering: warned('requests of several connections may be answered in any order', FALSE),
  priority_levels: warned(QUEUE, ['0']),
  default_priority_level: warned(QUEUE, ['0']),
  default_queue_policy: warned(QUEUE),
  priority_queue_policy: manyWarned(QUEUE),
}

const OF_GPU = 'it is of GPUs'
const OF_TENSORRT = 'it is of TensorRT'

export const INSTANCE_KINDS = ['KIND_AUTO', 'KIND_GPU', 'KIND_CPU', 'KIND_MODEL'] as const

const INSTANCE_GROUP: TritonKeys = {
  name: text('a name for its reader'),
  kind: {
    ...text(
      '`KIND_GPU`, of any group: the provider `cuda`, or PROVIDER_UNAVAILABLE without a GPU. Others, and without it: the CPU, where Triton takes a GPU if it has one',
      INSTANCE_KINDS,
    ),
    ...{ type: 'enum', firstNumber: 0 },
  },
  count: warned(INSTANCES),
  gpus: manyWarned('sessions run on GPU 0', ['0']),
  rate_limiter: warned('all sessions run when there is work'),
  secondary_devices: manyWarned(OF_GPU),
  profile: manyWarned(OF_TENSORRT),
  passive: warned('every session gets requests', FALSE),
  host_policy: warned('there are no host policies', ['']),
}

const ACCELERATOR: TritonKeys = {
  name: text('`cuda`, which `KIND_GPU` alone asks for; another one is warned about and left out'),
  parameters: manyWarned('providers run with their defaults'),
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
      cpu_execution_accelerator: manyWarned('on CPUs ONNX Runtime runs operators itself'),
    },
  },
  input_pinned_memory: warned(OF_GPU),
  output_pinned_memory: warned(OF_GPU),
  gather_kernel_buffer_threshold: warned(OF_TENSORRT, ['0']),
  eager_batching: warned(OF_TENSORRT, FALSE),
}

const ONNX_ONLY = 'Sluice serves ONNX models only'

const LOADED_VERSIONS = 'only the highest version is loaded, and those that aliases.json names'

export const TRITON_KEYS: TritonKeys = {
  name: text('must be the name of the folder'),
  platform: { ...text('`onnxruntime_onnx`', ['onnxruntime_onnx', '']), hint: ONNX_ONLY },
  backend: { ...text('`onnxruntime`', ['onnxruntime', '']), hint: ONNX_ONLY },
  runtime: warned('the runtime is the one that Sluice brings along', ['']),
  version_policy: {
    keys: {
      latest: { keys: { num_versions: warned(LOADED_VERSIONS, ['1', '0']) } },
      all: warned(LOADED_VERSIONS),
      specific: refused(`${LOADED_VERSIONS}; its \`champion\` answers`),
    },
  },
  max_batch_size: integer(
    0,
    BATCH_ROWS_MAX,
    `most rows of one run, at most ${BATCH_ROWS_MAX}. 0 or absent: with inputs and outputs declared, every request runs alone; else as measured`,
  ),
  input: {
    isRepeated: true,
    keys: {
      ...TENSOR_KEYS,
      reshape: {
        keys: {
          shape: dimension(
            'what the model has, with a warning: clients send this, what `dims` says is refused',
          ),
        },
      },
      format: warned('tensors go to the model as they came', ['FORMAT_NONE', '0']),
      allow_ragged_batch: warned('requests of other shapes are other batches', FALSE),
      optional: {
        ...text(
          'it must be sent, where the model has it as an input; else its default is used, always. Both with a warning',
          BOOLEAN,
        ),
        type: 'boolean',
      },
    },
  },
  output: {
    isRepeated: true,
    keys: {
      ...TENSOR_KEYS,
      reshape: {
        ...refused('answers have the shape of the model'),
        hint: 'write the shape of the model as dims, or leave the output out',
      },
      label_filename: warned('classes have the names in `classes` of manifest.json', ['']),
    },
  },
  batch_input: {
    ...refused('it fills inputs of the model from the shapes of requests'),
    isRepeated: true,
  },
  batch_output: {
    ...refused('it scatters an output over requests by their shapes'),
    isRepeated: true,
  },
  optimization: { keys: OPTIMIZATION },
  dynamic_batching: { keys: DYNAMIC_BATCHING },
  sequence_batching: refused('it keeps state from one request to the next'),
  ensemble_scheduling: refused('it is made of other models'),
  instance_group: { isRepeated: true, keys: INSTANCE_GROUP },
  default_model_filename: text('`model.onnx`', ['model.onnx', '']),
  cc_model_filenames: manyWarned('model.onnx is served on every machine'),
  metric_tags: manyWarned('metrics bear the labels of docs/reference/metrics.md'),
  parameters: OWN_PARAMETER_MAP,
  model_warmup: manyWarned('every session is warmed up with the example row of profile.json'),
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
