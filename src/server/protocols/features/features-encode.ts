/** Answers of `/predict`: score and prediction where the manifest names them, else raw outputs. */

import { bestColumn, isPositive } from '../../../shared/answer-terms.ts'
import type { Tensor } from '../../../shared/tensor.ts'
import {
  NotFinite,
  notFinite,
  rowLength,
  writeElement,
  writeNested,
  writeNumber,
} from '../answer-json.ts'
import type { Answer, EncodeResponse } from '../protocol.ts'
import type { Reading } from '../reading.ts'

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

/** JSON text of one row's answer, where it is a score and a prediction. */
interface Prediction {
  readonly score: string
  readonly prediction: string
}

const readBinary = (answer: Answer, row: number, reading: Reading): Prediction => {
  const output = answer.results[reading.score]!
  const index = rowAt(answer, reading.score, row) + reading.scoreColumn
  const score = writeScore(output, index)
  const isLikely = isPositive(output.data[index], reading.threshold)
  const likely = isLikely ? reading.positive : reading.negative
  const isOurs = reading.threshold !== null
  return { score, prediction: isOurs ? likely : writeLabel(answer, row, reading, likely) }
}

const writeMulticlass = (answer: Answer, row: number, reading: Reading): string => {
  const output = answer.results[reading.score]!
  const length = rowLength(answer, output)
  const base = row * length
  if (length === 0) throw new NotFinite()
  const best = bestColumn(output.data, base, length)
  let bestScore = ''
  let scores = ''
  for (let column = 0; column < length; column++) {
    const text = writeScore(output, base + column)
    if (column === best) bestScore = text
    scores += `${column === 0 ? '' : ','}${reading.keys[column] ?? `"${column}"`}:${text}`
  }
  const prediction = writeLabel(answer, row, reading, reading.classes[best] ?? `${best}`)
  return `"score":${bestScore},"prediction":${prediction},"scores":{${scores}}`
}

const readRegression = (answer: Answer, row: number, reading: Reading): Prediction => {
  const index = rowAt(answer, reading.score, row) + reading.scoreColumn
  const score = writeScore(answer.results[reading.score]!, index)
  return { score, prediction: score }
}

/** null where the answer of a row is more than a score and a prediction. */
const readPrediction = (answer: Answer, row: number): Prediction | null => {
  const { reading, manifest } = answer.plan
  if (reading === null || manifest!.task === 'multiclass') return null
  const read = manifest!.task === 'binary' ? readBinary : readRegression
  return read(answer, row, reading)
}

const writeOutputs = (answer: Answer, row: number): string => {
  const { plan, results } = answer
  const hasRows = plan.rowsMax > 0
  const parts = plan.signature.outputs.map(({ name }, i) => {
    const result = results[i]!
    const { shape } = result
    const inner = hasRows ? shape.slice(1) : shape
    const single = inner.length === 1 && inner[0] === 1 ? [] : inner
    return `${JSON.stringify(name)}:${writeNested(result, rowAt(answer, i, row), single)}`
  })
  return `"outputs":{${parts.join(',')}}`
}

const writeRow = (answer: Answer, row: number): string => {
  const { reading } = answer.plan
  if (reading === null) return writeOutputs(answer, row)
  const found = readPrediction(answer, row)
  if (found === null) return writeMulticlass(answer, row, reading)
  return `"score":${found.score},"prediction":${found.prediction}`
}

const latencyUs = ({ latencyMs }: Answer): number => Math.max(0, Math.round(latencyMs * 1000))

const writeMetadata = (answer: Answer): string => {
  const ownId = `${answer.idPrefix}${answer.sequence}`
  const requestId = JSON.stringify(answer.requestId ?? ownId)
  const latency = (latencyUs(answer) / 1000).toFixed(3)
  const tail = answer.plan.features.metadataTail
  return `"metadata":{"request_id":${requestId},"prediction_id":"${ownId}${tail}${latency}}}`
}

const writeOne = (answer: Answer): string | Uint8Array => {
  const { plan, rowStart } = answer
  const found = answer.requestId === null ? readPrediction(answer, rowStart) : null
  const bytes = found && plan.features.prediction.write(found, answer, latencyUs(answer))
  return bytes ?? `{${writeRow(answer, rowStart)},${writeMetadata(answer)}`
}

/** The body of a 200 answer, or OUTPUT_NOT_FINITE with the first row that cannot be written. */
export const writeAnswer: EncodeResponse = (answer) => {
  const rows: string[] = []
  try {
    if (!answer.isBatch) return writeOne(answer)
    while (rows.length < answer.rows) {
      rows.push(`{${writeRow(answer, answer.rowStart + rows.length)}}`)
    }
  } catch (thrown) {
    if (!(thrown instanceof NotFinite)) throw thrown
    return notFinite(answer, rows.length)
  }
  return `{"predictions":[${rows.join(',')}],${writeMetadata(answer)}`
}
