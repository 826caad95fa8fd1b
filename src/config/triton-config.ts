/** Triton's config.pbtxt, from text to what Sluice does. Refused, never thrown. */

import { formatShape } from '../shared/tensor.ts'
import type { ConfigProblem, DeclaredTensor, FileRefusal, ModelConfig, Place } from './config.ts'
import { placesOf } from './json-text.ts'
import { DEFAULT_MODEL_CONFIG } from './model-defaults.ts'
import { datatypeOf } from './model-yaml.ts'
import { inOrder, refuseFile } from './problems.ts'
import { shortened } from './schema-text.ts'
import { TRITON_KEYS } from './schemas/triton.ts'
import { type PbField, parseTextFormat } from './text-format.ts'
import { gpuValue, readInstances } from './triton-gpus.ts'
import { readQueue, readVersionPolicy } from './triton-queueing.ts'
import { readSession } from './triton-session.ts'
import {
  firstOf,
  numbersOf,
  type ReadMessage,
  type ReadValue,
  Remarks,
  TreeReader,
} from './triton-tree.ts'
import { readWarmups } from './triton-warm-up.ts'

const FILE = 'config.pbtxt'
const CODE = 'MODEL_CONFIG_INVALID'
/** Room for thousands of tensors; control reads it between other things. */
const BYTES_MAX = 128 * 1024
const START: Place = { line: 1, column: 1 }

/** What a config.pbtxt says, and what of it is not done. */
export interface TritonConfig {
  readonly config: ModelConfig
  readonly warnings: readonly FileRefusal[]
}

interface Reading {
  readonly remarks: Remarks
  placeOf(offset: number): Place
}

const checkName = (root: ReadMessage, model: string, { remarks }: Reading): void => {
  const name = firstOf(root, 'name')
  if (name === undefined || name.value === '' || name.value === model) return
  remarks.problem(name.offset, 'name', `is not '${model}', the name of its folder`)
}

/** A dimension is at least 1, or -1: any. */
const checkDims = (values: readonly ReadValue[], path: string, { remarks }: Reading): void => {
  for (const { offset, value } of values) {
    if (value === 0) remarks.problem(offset, path, 'got 0; wanted at least 1, or -1 for any')
  }
}

/** Elements between dimensions of any size: two shapes that agree in them hold the same. */
const partsOf = (dims: readonly number[]): string => {
  const parts = [1]
  for (const size of dims) {
    if (size === -1) parts.push(1)
    else parts.push(size * parts.pop()!)
  }
  return parts.join()
}

const checkReshape = (
  { offset }: ReadMessage,
  dims: readonly number[],
  shape: readonly number[],
  { remarks }: Reading,
): void => {
  const path = 'input.reshape'
  if (partsOf(dims) !== partsOf(shape)) {
    remarks.problem(offset, path, 'has another number of elements than dims')
    return
  }
  const says = `clients must send the shape of the model, ${formatShape(shape)}`
  remarks.warning(offset, path, `is not obeyed: ${says}`)
}

/** What a tensor declares; null where it lacks something. */
const readTensor = (
  tensor: ReadMessage,
  path: 'input' | 'output',
  reading: Reading,
): DeclaredTensor | null => {
  const { remarks, placeOf } = reading
  const [name, type] = [firstOf(tensor, 'name'), firstOf(tensor, 'data_type')]
  const dims = tensor.values('dims')
  const reshape = tensor.messages('reshape')[0]
  checkDims(dims, `${path}.dims`, reading)
  const lacking = ['name', 'data_type', 'dims'].filter((key) => !tensor.has(key))
  for (const key of lacking) remarks.problem(tensor.offset, `${path}.${key}`, 'is missing')
  if (reshape !== undefined) {
    const shape = reshape.values('shape')
    checkDims(shape, `${path}.reshape.shape`, reading)
    checkReshape(reshape, numbersOf(dims), numbersOf(shape), reading)
  }
  if (name === undefined || type === undefined) return null
  const inModel = reshape?.values('shape') ?? dims
  return {
    name: String(name.value),
    datatype: datatypeOf(String(type.value)),
    dims: numbersOf(inModel),
    isOptional: firstOf(tensor, 'optional')?.value === true,
    places: {
      name: placeOf(name.offset),
      datatype: placeOf(type.offset),
      dims: placeOf((inModel[0] ?? reshape ?? dims[0] ?? tensor).offset),
    },
  }
}

const readTensors = (root: ReadMessage, path: 'input' | 'output', reading: Reading) => {
  const names = new Set<string>()
  return root.messages(path).flatMap((message) => {
    const tensor = readTensor(message, path, reading)
    if (tensor === null) return []
    const isNew = !names.has(tensor.name)
    names.add(tensor.name)
    if (isNew) return [tensor]
    const { offset } = firstOf(message, 'name')!
    const says = `'${shortened(tensor.name)}' is declared twice`
    reading.remarks.problem(offset, `${path}.name`, says)
    return []
  })
}

/**
 * Rows of a run. In Triton 0, or nothing, means that the model is not batched, unless it may
 * complete the file itself: where inputs or outputs are not declared, it looks whether the model
 * has rows. So do we.
 */
const rowsOf = (said: number, isComplete: boolean): number | null => {
  if (said > 0) return said
  return isComplete ? 0 : null
}

const readBatching = (root: ReadMessage, maxBatchSize: number | null, { remarks }: Reading) => {
  const batching = root.messages('dynamic_batching')[0]
  const path = 'dynamic_batching'
  if (batching !== undefined && maxBatchSize === 0) {
    const says = 'max_batch_size is 0 or absent, so that every request runs alone'
    remarks.warning(batching.offset, path, `is not obeyed: ${says}`)
  }
  const sizes = batching?.values('preferred_batch_size') ?? []
  return {
    preferredBatchSize: numbersOf(sizes),
    maxQueueDelayUs: Number(firstOf(batching, 'max_queue_delay_microseconds')?.value ?? 0),
    queue: readQueue(batching, remarks),
  }
}

const readConfig = (fields: readonly PbField[], model: string, reading: Reading): ModelConfig => {
  const root = new TreeReader(reading.remarks).read(fields, TRITON_KEYS)
  checkName(root, model, reading)
  const inputs = readTensors(root, 'input', reading)
  const outputs = readTensors(root, 'output', reading)
  const batchSize = firstOf(root, 'max_batch_size')
  const isComplete = inputs.length > 0 && outputs.length > 0
  const maxBatchSize = rowsOf(Number(batchSize?.value ?? 0), isComplete)
  const gpu = gpuValue(root)
  const places = {
    batchSizePlace: reading.placeOf(batchSize?.offset ?? 0),
    gpuPlace: gpu === undefined ? null : reading.placeOf(gpu.offset),
  }
  return {
    ...DEFAULT_MODEL_CONFIG,
    maxBatchSize,
    ...readBatching(root, maxBatchSize, reading),
    session: readSession(root, reading.remarks),
    versionPolicy: readVersionPolicy(root, reading.remarks),
    instances: readInstances(root),
    warmups: readWarmups(root, reading.remarks),
    declared: { inputs, outputs, ...places },
  }
}

/** config.pbtxt of the model of this name. */
export const parseTritonConfig = (bytes: Uint8Array, model: string): TritonConfig | FileRefusal => {
  const fault = (place: Place, message: string) =>
    refuseFile(CODE, [{ source: FILE, ...place, path: '', message, hint: null }])
  if (bytes.length > BYTES_MAX) return fault(START, `The file exceeds ${BYTES_MAX} bytes`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return fault(START, 'The file is not UTF-8')
  }
  const fields = parseTextFormat(text)
  if ('message' in fields) return fault(fields, `Is not protobuf text format: ${fields.message}`)
  const placeOf = placesOf(text)
  const remarks = new Remarks()
  const config = readConfig(fields, model, { remarks, placeOf })
  const located = (all: Remarks['problems']): ConfigProblem[] =>
    inOrder(all.map(({ offset, ...rest }) => ({ source: FILE, ...placeOf(offset), ...rest })))
  return remarks.problems.length > 0
    ? refuseFile(CODE, located(remarks.problems))
    : { config, warnings: located(remarks.warnings).map((each) => refuseFile(CODE, [each])) }
}
