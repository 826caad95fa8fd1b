/** `model_warmup` of model.yaml: requests that every new session is run with. */

import { z } from 'zod'
import { BATCH_ROWS_MAX } from './queueing.ts'

export const WARMUP_SAMPLES_MAX = 64
export const WARMUP_RUNS_MAX = 10_000
/** ONNX Runtime has no tensor of more dimensions. */
export const DIMENSIONS_MAX = 64

/** In the order of their numbers, from 1. */
export const DATA_TYPES = [
  ...['TYPE_BOOL', 'TYPE_UINT8', 'TYPE_UINT16', 'TYPE_UINT32', 'TYPE_UINT64'],
  ...['TYPE_INT8', 'TYPE_INT16', 'TYPE_INT32', 'TYPE_INT64'],
  ...['TYPE_FP16', 'TYPE_FP32', 'TYPE_FP64', 'TYPE_STRING', 'TYPE_BF16'],
] as const

/** The keys of which an input has one. */
export const DATA_KEYS = ['zero_data', 'random_data', 'input_data_file'] as const

const FILE_LENGTH_MAX = 1024

/** Why a text names no file below the folder `warmup`; null when it does. */
export const warmupFileFault = (file: string): string | null => {
  const parts = file.split('/')
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..')
  return isPlain && file.length <= FILE_LENGTH_MAX && !/[\\\0]/.test(file)
    ? null
    : 'names no file in the folder `warmup` of the model'
}

const input = z
  .strictObject({
    data_type: z.enum(DATA_TYPES),
    dims: z.array(z.int().min(1)).max(DIMENSIONS_MAX).default([]),
    zero_data: z.literal(true).optional(),
    random_data: z.literal(true).optional(),
    input_data_file: z.string().optional(),
  })
  .check(({ value, issues }) => {
    const said = DATA_KEYS.filter((key) => value[key] !== undefined)
    const say = (path: string[], message: string) =>
      issues.push({ code: 'custom', path, message, input: value })
    if (said.length !== 1) say([], `wants one of ${DATA_KEYS.join(', ')}`)
    const fault = warmupFileFault(value.input_data_file ?? 'x')
    if (fault !== null) say(['input_data_file'], fault)
  })

export type WarmupInputYaml = z.output<typeof input>

export const warmupSection = z
  .array(
    z.strictObject({
      name: z.string().min(1),
      batch_size: z.int().min(0).max(BATCH_ROWS_MAX).default(1),
      count: z.int().min(0).max(WARMUP_RUNS_MAX).default(1),
      inputs: z.record(z.string(), input),
    }),
  )
  .max(WARMUP_SAMPLES_MAX)
  .default([])
  .describe(
    'Requests that every new session is run with before it serves, in the words of Triton: `name`, `batch_size` (1; 0: left out), `count` (1) and `inputs`, by name `{data_type: TYPE_FP32, dims: [4], zero_data: true}`, or `random_data: true`, or `input_data_file`, a file in the folder `warmup` of the model. One that fails keeps the version from being loaded: WARMUP_FAILED.',
  )
