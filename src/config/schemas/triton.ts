/**
 * Every key of Triton's ModelConfig (model_config.proto of its repository `common`), and what
 * becomes of it here. `docs/reference/config-pbtxt.md` is made from this.
 */

import { DEVICE_ID_MAX, INSTANCES_MAX, VERSIONS_MAX } from './model.ts'
import { BATCH_ROWS_MAX } from './queueing.ts'
import {
  dimension,
  FALSE,
  INT32_MAX,
  integer,
  manyWarned,
  refused,
  type Section,
  type TritonKeys,
  text,
  truth,
  warned,
} from './triton-keys.ts'
import { DEVICE_ONLY } from './triton-parameters.ts'
import { DYNAMIC_BATCHING } from './triton-queueing.ts'
import { MODEL_WARMUP } from './triton-warm-up.ts'
import { DATA_TYPES } from './warm-up.ts'

const TENSOR_KEYS: TritonKeys = {
  name: text('a tensor of the model'),
  data_type: { ...text('as the model has it', DATA_TYPES), type: 'enum', firstNumber: 1 },
  dims: dimension('as the model has them, without rows where there are any; -1 fits any'),
  is_shape_tensor: warned('it is of TensorRT', FALSE),
  is_non_linear_format_io: warned('it is of TensorRT', FALSE),
}

const OWN_PARAMETER_MAP: Section = {
  isRepeated: true,
  keys: { key: text('a name'), value: { keys: { string_value: text('its value') } } },
}

const OF_GPU = 'it is of GPUs'
const OF_TENSORRT = 'it is of TensorRT'

const INSTANCE_KINDS = ['KIND_AUTO', 'KIND_GPU', 'KIND_CPU', 'KIND_MODEL'] as const

const INSTANCE_GROUP: TritonKeys = {
  name: text('a name for its reader'),
  kind: {
    ...text(
      '`KIND_GPU`: the provider `cuda`, or PROVIDER_UNAVAILABLE without a GPU. `KIND_AUTO`, written, or `gpus` without a kind: `cuda`, or the CPU without one. Else the CPU, where Triton takes a GPU if it has one. One group with a GPU has all of them: those of the CPU beside it are warned about',
      INSTANCE_KINDS,
    ),
    ...{ type: 'enum', firstNumber: 0 },
  },
  count: integer(
    -INT32_MAX,
    INSTANCES_MAX,
    'sessions in the compute threads of a replica, where the version is pooled, for all groups together, on each of `gpus`; below 1: one. Inline, every data thread has one',
  ),
  gpus: {
    ...integer(
      0,
      DEVICE_ID_MAX,
      'GPUs, as CUDA counts them; without: GPU 0, where Triton takes all. KIND_CPU must have none',
    ),
    ...{ isRepeated: true, countMax: DEVICE_ID_MAX + 1 },
  },
  rate_limiter: warned('all sessions run when there is work'),
  secondary_devices: manyWarned(OF_GPU),
  profile: manyWarned(OF_TENSORRT),
  passive: warned('every session gets requests', FALSE),
  host_policy: warned('there are no host policies', ['']),
}

const ACCELERATOR: TritonKeys = {
  name: text(
    '`cuda`, where an instance_group asks for a GPU; another one is warned about and left out',
  ),
  parameters: {
    isRepeated: true,
    keys: {
      key: text(`\`gpu_mem_limit\`, as below; others are warned about: ${DEVICE_ONLY}`),
      value: text('its value'),
    },
  },
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

export const TRITON_KEYS: TritonKeys = {
  name: text('must be the name of the folder'),
  platform: { ...text('`onnxruntime_onnx`', ['onnxruntime_onnx', '']), hint: ONNX_ONLY },
  backend: { ...text('`onnxruntime`', ['onnxruntime', '']), hint: ONNX_ONLY },
  runtime: warned('the runtime is the one that Sluice brings along', ['']),
  version_policy: {
    keys: {
      latest: {
        keys: {
          num_versions: integer(
            0,
            VERSIONS_MAX,
            'the highest so many versions are loaded, and those that aliases.json names; 0 or absent: 1',
          ),
        },
      },
      all: { keys: {}, says: 'all versions are loaded' },
      specific: {
        keys: {
          versions: {
            ...integer(
              1,
              Number.MAX_SAFE_INTEGER,
              'these are loaded, as far as they are there, and those that aliases.json names',
            ),
            ...{ isRepeated: true, countMax: VERSIONS_MAX },
          },
        },
      },
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
        ...truth(
          'it must be sent, where the model has it as an input; else its default is used, always. Both with a warning',
        ),
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
  model_warmup: MODEL_WARMUP,
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
