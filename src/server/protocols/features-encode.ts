/** Answers of `/predict`: score and prediction where the manifest names them, else raw outputs. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Tensor, TensorData } from '../../shared/tensor.ts'
import { featuresPlan } from './features-plan.ts'
import type { Answer, VariantPlan } from './protocol.ts'

/** Thrown by the writers below, caught in `writeAnswer`: a value that JSON cannot carry. */
class NotFinite extends Error {}

/** A finite number, an exact integer, or a quoted string. */
const writeElement = (data: TensorData, index: number): string => {
  const value = data[index]
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new NotFinite()
    return `${value}`
  }
  return typeof value === 'string' ? JSON.stringify(value) : `${value}`
}

interface Reading {
  readonly score: number
  readonly scoreColumn: number
  readonly label: number
  readonly threshold: number | null
  /** JSON text of the classes, in the order of the score's columns. */
  readonly classes: readonly string[]
  readonly positive: string
  readonly negative: string
}

const outputIndex = (plan: VariantPlan, name: string | undefined): number =>
  plan.signature.outputs.findIndex((output) => output.name === name)

const readingOf = (plan: VariantPlan): Reading | null => {
  const { manifest } = plan
  if (manifest === null || manifest.task === 'other' || manifest.score === undefined) return null
  const classes = manifest.classes ?? (manifest.task === 'binary' ? [0, 1] : [])
  const positive = manifest.positiveClass ?? classes[1] ?? 1
  const negative = classes.find((each) => each !== positive) ?? 0
  return {
    score: outputIndex(plan, manifest.score.output),
    scoreColumn: manifest.score.column,
    label: outputIndex(plan, manifest.label?.output),
    threshold: manifest.threshold ?? null,
    classes: classes.map((each) => JSON.stringify(each)),
    positive: JSON.stringify(positive),
    negative: JSON.stringify(negative),
  }
}

const readings = new WeakMap<VariantPlan, Reading | null>()
const readingFor = (plan: VariantPlan): Reading | null => {
  const known = readings.get(plan)
  if (known !== undefined) return known
  const reading = readingOf(plan)
  readings.set(plan, reading)
  return reading
}

const strideOf = ({ data, shape }: Tensor): number =>
  data.length === 0 ? 0 : data.length / Math.max(1, shape[0] ?? 1)

const finite = (data: TensorData, index: number): number => {
  const value = Number(data[index])
  if (!Number.isFinite(value)) throw new NotFinite()
  return value
}

const writeBinary = (results: readonly Tensor[], row: number, reading: Reading): string => {
  const output = results[reading.score]!
  const score = finite(output.data, row * strideOf(output) + reading.scoreColumn)
  if (reading.threshold !== null) {
    const isPositive = score >= reading.threshold
    return `"score":${score},"prediction":${isPositive ? reading.positive : reading.negative}`
  }
  return `"score":${score},"prediction":${writeLabel(results, row, reading, score >= 0.5)}`
}

const writeLabel = (
  results: readonly Tensor[],
  row: number,
  reading: Reading,
  isPositive: boolean,
): string => {
  const label = results[reading.label]
  if (label === undefined) return isPositive ? reading.positive : reading.negative
  return writeElement(label.data, row * strideOf(label))
}

const writeMulticlass = (results: readonly Tensor[], row: number, reading: Reading): string => {
  const output = results[reading.score]!
  const stride = strideOf(output)
  let best = 0
  let scores = ''
  for (let column = 0; column < stride; column++) {
    const value = finite(output.data, row * stride + column)
    if (value > Number(output.data[row * stride + best])) best = column
    const name = reading.classes[column] ?? `${column}`
    const key = name.startsWith('"') ? name : `"${name}"`
    scores += `${column === 0 ? '' : ','}${key}:${value}`
  }
  const top = reading.classes[best] ?? `${best}`
  const label = results[reading.label]
  const prediction = label === undefined ? top : writeElement(label.data, row * strideOf(label))
  const score = Number(output.data[row * stride + best])
  return `"score":${score},"prediction":${prediction},"scores":{${scores}}`
}

const writeRegression = (results: readonly Tensor[], row: number, reading: Reading): string => {
  const output = results[reading.score]!
  const value = finite(output.data, row * strideOf(output) + reading.scoreColumn)
  const text = `${value}`
  return `"score":${text},"prediction":${text}`
}

/** A row of an output: the value itself where a row is one element, else nested like its shape. */
const writeNested = (data: TensorData, from: number, shape: readonly number[]): string => {
  if (shape.length === 0) return writeElement(data, from)
  const [size = 0, ...inner] = shape
  const stride = inner.reduce((product, each) => product * each, 1)
  const parts: string[] = []
  for (let i = 0; i < size; i++) parts.push(writeNested(data, from + i * stride, inner))
  return `[${parts.join(',')}]`
}

const writeOutputs = (answer: Answer, row: number): string => {
  const { plan, results, isWhole } = answer
  const parts = plan.signature.outputs.map(({ name }, i) => {
    const { data, shape } = results[i]!
    const isRows = !isWhole || (shape[0] === answer.rows && plan.rowsMax !== 0)
    const inner = isRows ? shape.slice(1) : shape
    const single = inner.length === 1 && inner[0] === 1 ? [] : inner
    const from = isRows ? row * strideOf(results[i]!) : 0
    return `${JSON.stringify(name)}:${writeNested(data, from, single)}`
  })
  return `"outputs":{${parts.join(',')}}`
}

const writeRow = (answer: Answer, row: number, reading: Reading | null): string => {
  if (reading === null) return writeOutputs(answer, row)
  switch (answer.plan.manifest!.task) {
    case 'binary':
      return writeBinary(answer.results, row, reading)
    case 'multiclass':
      return writeMulticlass(answer.results, row, reading)
    default:
      return writeRegression(answer.results, row, reading)
  }
}

/** Ids of ours need no escaping; a client's may. */
const writeId = (answer: Answer): string =>
  answer.requestId === answer.predictionId
    ? answer.requestId
    : JSON.stringify(answer.requestId).slice(1, -1)

/** Milliseconds with three decimals. Two small integers: half the cost of printing a double. */
const writeMs = (ms: number): string => {
  const us = Math.max(0, Math.round(ms * 1000))
  const whole = Math.floor(us / 1000)
  const rest = us - whole * 1000
  return rest > 99 ? `${whole}.${rest}` : rest > 9 ? `${whole}.0${rest}` : `${whole}.00${rest}`
}

const writeMetadata = (answer: Answer): string => {
  const latency = writeMs(answer.latencyMs)
  const tail = featuresPlan(answer.plan).metadataTail
  return `"metadata":{"request_id":"${writeId(answer)}","prediction_id":"${answer.predictionId}${tail}${latency}}}`
}

const write = (answer: Answer): string => {
  const reading = readingFor(answer.plan)
  if (!answer.isBatch)
    return `{${writeRow(answer, answer.rowStart, reading)},${writeMetadata(answer)}`
  const rows: string[] = []
  for (let row = 0; row < answer.rows; row++) {
    rows.push(`{${writeRow(answer, answer.rowStart + row, reading)}}`)
  }
  return `{"predictions":[${rows.join(',')}],${writeMetadata(answer)}`
}

/** The body of a 200 answer, or OUTPUT_NOT_FINITE: JSON has no NaN. */
export const writeAnswer = (answer: Answer): string | Refusal => {
  try {
    return write(answer)
  } catch (thrown) {
    if (!(thrown instanceof NotFinite)) throw thrown
    return refuse('OUTPUT_NOT_FINITE', 'The model answered NaN or infinity')
  }
}
