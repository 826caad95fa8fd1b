/** Answers of `/predict`: score and prediction where the manifest names them, else raw outputs. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Tensor } from '../../shared/tensor.ts'
import { NotFinite, rowLength, writeElement, writeNumber } from './answer-json.ts'
import { featuresPlan } from './features-plan.ts'
import type { Answer, VariantPlan } from './protocol.ts'

interface Reading {
  readonly score: number
  readonly scoreColumn: number
  readonly label: number
  readonly threshold: number | null
  /** JSON text of the classes, in the order of the score's columns. */
  readonly classes: readonly string[]
  /** The same as keys of an object. */
  readonly keys: readonly string[]
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
    keys: classes.map((each) => JSON.stringify(String(each))),
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

/** Where row `row` of the output begins that holds the scores, or the labels. */
const rowAt = (answer: Answer, output: number, row: number): number =>
  row * rowLength(answer, answer.results[output]!)

/** A score as text. One of 64 bits need not fit a double. */
const writeScore = ({ data }: Tensor, index: number): string => {
  const value = data[index]
  return typeof value === 'bigint' ? `${value}` : writeNumber(Number(value))
}

/** The label output where there is one, else `otherwise`. */
const writeLabel = (answer: Answer, row: number, reading: Reading, otherwise: string): string => {
  const label = answer.results[reading.label]
  return label === undefined ? otherwise : writeElement(label, rowAt(answer, reading.label, row))
}

const writeBinary = (answer: Answer, row: number, reading: Reading): string => {
  const output = answer.results[reading.score]!
  const index = rowAt(answer, reading.score, row) + reading.scoreColumn
  const score = writeScore(output, index)
  const isPositive = Number(output.data[index]) >= (reading.threshold ?? 0.5)
  const likely = isPositive ? reading.positive : reading.negative
  const isOurs = reading.threshold !== null
  const prediction = isOurs ? likely : writeLabel(answer, row, reading, likely)
  return `"score":${score},"prediction":${prediction}`
}

const writeMulticlass = (answer: Answer, row: number, reading: Reading): string => {
  const output = answer.results[reading.score]!
  const length = rowLength(answer, output)
  const base = row * length
  let best = 0
  let bestScore = ''
  let scores = ''
  for (let column = 0; column < length; column++) {
    const text = writeScore(output, base + column)
    if (column === 0 || output.data[base + column]! > output.data[base + best]!) {
      best = column
      bestScore = text
    }
    scores += `${column === 0 ? '' : ','}${reading.keys[column] ?? `"${column}"`}:${text}`
  }
  if (length === 0) throw new NotFinite()
  const prediction = writeLabel(answer, row, reading, reading.classes[best] ?? `${best}`)
  return `"score":${bestScore},"prediction":${prediction},"scores":{${scores}}`
}

const writeRegression = (answer: Answer, row: number, reading: Reading): string => {
  const index = rowAt(answer, reading.score, row) + reading.scoreColumn
  const text = writeScore(answer.results[reading.score]!, index)
  return `"score":${text},"prediction":${text}`
}

/** A row of an output: the value itself where a row is one element, else nested like its shape. */
const writeNested = (tensor: Tensor, from: number, shape: readonly number[]): string => {
  if (shape.length === 0) return writeElement(tensor, from)
  const [size = 0, ...inner] = shape
  const stride = inner.reduce((product, each) => product * each, 1)
  const parts: string[] = []
  for (let i = 0; i < size; i++) parts.push(writeNested(tensor, from + i * stride, inner))
  return `[${parts.join(',')}]`
}

const writeOutputs = (answer: Answer, row: number): string => {
  const { plan, results, isWhole } = answer
  const parts = plan.signature.outputs.map(({ name }, i) => {
    const result = results[i]!
    const { shape } = result
    const isRows = !isWhole || (shape[0] === answer.rows && plan.rowsMax !== 0)
    const inner = isRows ? shape.slice(1) : shape
    const single = inner.length === 1 && inner[0] === 1 ? [] : inner
    const from = isRows ? rowAt(answer, i, row) : 0
    return `${JSON.stringify(name)}:${writeNested(result, from, single)}`
  })
  return `"outputs":{${parts.join(',')}}`
}

const writeRow = (answer: Answer, row: number, reading: Reading | null): string => {
  if (reading === null) return writeOutputs(answer, row)
  switch (answer.plan.manifest!.task) {
    case 'binary':
      return writeBinary(answer, row, reading)
    case 'multiclass':
      return writeMulticlass(answer, row, reading)
    default:
      return writeRegression(answer, row, reading)
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
