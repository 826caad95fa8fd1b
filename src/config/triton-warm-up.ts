/** Of a config.pbtxt: the samples that new sessions are warmed up with. */

import type { WarmupData, WarmupInput, WarmupSample } from '../shared/warmup-sample.ts'
import { datatypeOf } from './model-yaml.ts'
import { shortened } from './schema-text.ts'
import { DATA_KEYS, WARMUP_SAMPLES_MAX, warmupFileFault } from './schemas/warm-up.ts'
import { firstOf, numbersOf, type ReadMessage, type Remarks } from './triton-tree.ts'

const PATH = 'model_warmup'
const INPUTS = `${PATH}.inputs`

const readData = (input: ReadMessage, name: string, remarks: Remarks): WarmupData | null => {
  const said = DATA_KEYS.flatMap((key) => firstOf(input, key) ?? [])
  const file = firstOf(input, 'input_data_file')
  if (said.length !== 1) {
    const says = `'${shortened(name)}' wants one of ${DATA_KEYS.join(', ')}`
    remarks.problem(said[1]?.offset ?? input.offset, `${INPUTS}.value`, says)
    return null
  }
  if (file === undefined) return { kind: input.has('zero_data') ? 'zero' : 'random' }
  const fault = warmupFileFault(String(file.value))
  if (fault !== null) {
    remarks.problem(file.offset, `${INPUTS}.value.input_data_file`, fault)
    return null
  }
  return { kind: 'file', file: String(file.value) }
}

const readInput = (entry: ReadMessage, remarks: Remarks): WarmupInput | null => {
  const name = String(firstOf(entry, 'key')?.value ?? '')
  const [value] = entry.messages('value')
  const type = firstOf(value, 'data_type')
  if (value === undefined || !value.has('data_type')) {
    const { offset } = value ?? entry
    remarks.problem(offset, `${INPUTS}.value.data_type`, `of '${shortened(name)}' is missing`)
    return null
  }
  const dims = value.values('dims')
  for (const { offset, value: size } of dims) {
    if (Number(size) >= 1) continue
    const says = `got ${size}; wanted at least 1: a sample has no free dimension`
    remarks.problem(offset, `${INPUTS}.value.dims`, says)
  }
  const data = readData(value, name, remarks)
  if (data === null || type === undefined) return null
  return { name, datatype: datatypeOf(String(type.value)), dims: numbersOf(dims), data }
}

const readSample = (sample: ReadMessage, remarks: Remarks): WarmupSample => {
  const names = new Set<string>()
  const inputs = sample.messages('inputs').flatMap((entry) => {
    const input = readInput(entry, remarks)
    if (input === null) return []
    const { name } = input
    if (names.has(name)) {
      remarks.problem(entry.offset, INPUTS, `'${shortened(name)}' stands twice`)
    }
    names.add(name)
    return [input]
  })
  return {
    name: String(firstOf(sample, 'name')?.value ?? ''),
    batchSize: Number(firstOf(sample, 'batch_size')?.value ?? 0),
    count: Math.max(1, Number(firstOf(sample, 'count')?.value ?? 1)),
    inputs,
  }
}

/** Samples that are run: one of no rows is left out, as in Triton. */
export const readWarmups = (root: ReadMessage, remarks: Remarks): WarmupSample[] => {
  const samples = root.messages(PATH)
  const oneTooMany = samples[WARMUP_SAMPLES_MAX]
  if (oneTooMany !== undefined) {
    remarks.problem(oneTooMany.offset, PATH, `stands more than ${WARMUP_SAMPLES_MAX} times`)
  }
  return samples.slice(0, WARMUP_SAMPLES_MAX).flatMap((message) => {
    const sample = readSample(message, remarks)
    if (sample.batchSize > 0) return [sample]
    const says = 'is not obeyed: its batch_size is 0 or absent'
    remarks.warning(message.offset, PATH, says)
    return []
  })
}
