/** Layouts as they are kept in segments: JSON, with a version of the format. */

import { GatewayError } from '../shared/errors.ts'
import { DATATYPES } from '../shared/tensor.ts'
import type { LayoutFeature, LayoutTensor, RecordLayout } from './record-layout.ts'

/** Raised when a reader of the release before would misread what is written. */
const FORMAT = 1

/** The bytes of a layout: `{"format": 1, "layout": {...}}`. */
export const encodeLayout = (layout: RecordLayout): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ format: FORMAT, layout }))

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isFlag: Check = (value) => typeof value === 'boolean'
const isNumber: Check = (value) => typeof value === 'number'
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isDimension: Check = (value) => value === -1 || isCount(value)
const isOneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value)
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const fieldsOf =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]))

const isTensor = fieldsOf({
  name: isText,
  datatype: isOneOf(DATATYPES),
  shape: listOf(isDimension),
  rowElements: isDimension,
})

const isFeature = fieldsOf({
  name: isText,
  type: isOneOf(['number', 'integer', 'boolean', 'category', 'tensor']),
  input: isCount,
  column: isCount,
  vocabulary: orNull(listOf(isText)),
  isNanMissing: isFlag,
})

const isClass: Check = (value) => isText(value) || isNumber(value)

const isAnswer = fieldsOf({
  task: isOneOf(['binary', 'multiclass', 'regression']),
  score: isDimension,
  scoreColumn: isCount,
  label: isDimension,
  threshold: orNull(isNumber),
  classes: listOf(isClass),
  positive: isClass,
  negative: isClass,
})

const isRule: Check = (value) =>
  fieldsOf({ kind: isOneOf(['drop', 'hmac', 'mask']) })(value) ||
  fieldsOf({ kind: isOneOf(['bucket']), width: (width) => isNumber(width) && Number(width) > 0 })(
    value,
  )

const isPolicy = fieldsOf({
  isRecorded: isFlag,
  rate: isNumber,
  always: fieldsOf({
    roles: listOf(isText),
    codes: listOf(isText),
    latencyMsMin: orNull(isNumber),
  }),
  recordBytesMax: isCount,
  keepsFeatures: isFlag,
  keepsOutputs: isFlag,
  features: listOf(orNull(isRule)),
  outputs: listOf(orNull(isRule)),
  requestId: orNull(isRule),
  patterns: listOf(isOneOf(['email', 'phone'])),
  hmacKeyId: orNull(isText),
})

const isLayout = fieldsOf({
  id: isCount,
  endpoint: isText,
  model: isText,
  version: isCount,
  variant: isText,
  revision: isCount,
  hasRows: isFlag,
  inputs: listOf(isTensor),
  outputs: listOf(isTensor),
  features: listOf(isFeature),
  answer: orNull(isAnswer),
  policy: isPolicy,
})

const isWithin = (feature: LayoutFeature, inputs: readonly LayoutTensor[]): boolean => {
  const tensor = inputs[feature.input]
  if (tensor === undefined) return false
  return feature.type === 'tensor' || feature.column < tensor.rowElements
}

/** Whether every index of a layout names something that it has. */
const isConsistent = ({ inputs, outputs, features, answer, policy }: RecordLayout): boolean =>
  features.every((feature) => isWithin(feature, inputs)) &&
  policy.features.length === features.length &&
  policy.outputs.length === outputs.length &&
  (answer === null || Math.max(answer.score, answer.label) < outputs.length)

/** Throws STATE_TOO_NEW for a format of a later release, STATE_CORRUPT for what is no layout. */
export const decodeLayout = (bytes: Uint8Array): RecordLayout => {
  const { format, layout } = parse(bytes)
  if (isCount(format) && Number(format) > FORMAT) {
    throw new GatewayError('STATE_TOO_NEW', `A record layout has format ${format}, above ${FORMAT}`)
  }
  if (format !== FORMAT || !isLayout(layout) || !isConsistent(layout as RecordLayout)) {
    throw new GatewayError('STATE_CORRUPT', 'A record layout is not of its format')
  }
  return layout as RecordLayout
}

const parse = (bytes: Uint8Array): { format?: unknown; layout?: unknown } => {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch (cause) {
    throw new GatewayError('STATE_CORRUPT', 'A record layout is no JSON', { cause })
  }
}
