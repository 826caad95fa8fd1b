/** Records as messages of proto/prediction.proto v1: for other programs, and for other releases. */

import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  type Feedback as FeedbackMessage,
  type Instance,
  type NamedValues,
  type NamedValuesSchema,
  FeaturesOmitted as Omitted,
  PredictionRecordSchema,
  type PredictionRecord as RecordMessage,
  Role,
  type Value,
  type ValueSchema,
} from '../../proto/gen/prediction_pb.ts'
import { GatewayError } from '../shared/errors.ts'
import type { RecordRole } from '../shared/record-policy.ts'
import type {
  FeaturesOmitted,
  Feedback,
  PredictionRecord,
  RecordedInstance,
  RecordValue,
} from './record.ts'

const ROLES: Readonly<Record<RecordRole, Role>> = {
  answer: Role.ANSWER,
  shadow: Role.SHADOW,
  refused: Role.REFUSED,
  failed: Role.FAILED,
  feedback: Role.FEEDBACK,
}
const ROLE_NAMES = new Map(Object.entries(ROLES).map(([name, role]) => [role, name as RecordRole]))

const OMITTED: Readonly<Record<FeaturesOmitted, Omitted>> = {
  '': Omitted.NO,
  too_large: Omitted.TOO_LARGE,
  policy: Omitted.POLICY,
}
const OMITTED_NAMES = new Map(
  Object.entries(OMITTED).map(([name, omitted]) => [omitted, name as FeaturesOmitted]),
)

type ValueInit = MessageInitShape<typeof ValueSchema>
type ValuesInit = MessageInitShape<typeof NamedValuesSchema>

/** Strings of messages are UTF-8: half of a surrogate pair becomes U+FFFD. */
const valueInit = (value: RecordValue): ValueInit => {
  if (value === null) return {}
  if (typeof value === 'number') return { kind: { case: 'number', value } }
  if (typeof value === 'boolean') return { kind: { case: 'flag', value } }
  if (typeof value === 'string') return { kind: { case: 'text', value: value.toWellFormed() } }
  if (typeof value === 'object') {
    return { kind: { case: 'list', value: { values: value.map(valueInit) } } }
  }
  const isUnsigned = value >= 2n ** 63n
  return { kind: isUnsigned ? { case: 'unsignedInteger', value } : { case: 'integer', value } }
}

const valuesInit = (values: Readonly<Record<string, RecordValue>>): ValuesInit => ({
  values: Object.entries(values).map(([name, value]) => ({
    ...{ name: name.toWellFormed(), value: valueInit(value) },
  })),
})

const instanceInit = ({ features, score, prediction, scores, outputs }: RecordedInstance) => ({
  features: valuesInit(features),
  ...(score === null ? {} : { score: valueInit(score) }),
  ...(prediction === null ? {} : { prediction: valueInit(prediction) }),
  ...(scores === undefined ? {} : { scores: valuesInit(scores) }),
  ...(outputs === undefined ? {} : { outputs: valuesInit(outputs) }),
})

const feedbackInit = (feedback: Feedback) => {
  const { ofPredictionId, ofRequestId, row, label, observedAtMs } = feedback
  return {
    ...(ofPredictionId === null ? {} : { ofPredictionId: ofPredictionId.toWellFormed() }),
    ...(ofRequestId === null ? {} : { ofRequestId: ofRequestId.toWellFormed() }),
    ...(row < 0 ? {} : { row }),
    ...{ label: valueInit(label), observedAtMs },
  }
}

const timesInit = ({ latencyMs, decodeMs, queueMs, computeMs }: PredictionRecord) => ({
  ...(Number.isNaN(latencyMs) ? {} : { latencyMs }),
  ...(Number.isNaN(decodeMs) ? {} : { decodeMs }),
  ...(Number.isNaN(queueMs) ? {} : { queueMs }),
  ...(Number.isNaN(computeMs) ? {} : { computeMs }),
})

/** The bytes of a record. */
export const encodeRecord = (record: PredictionRecord): Uint8Array => {
  const { requestId, bucket, feedback, role, featuresOmitted } = record
  const message = create(PredictionRecordSchema, {
    predictionId: record.predictionId,
    ...(requestId === null ? {} : { requestId: requestId.toWellFormed() }),
    timeMs: record.timeMs,
    endpoint: record.endpoint,
    model: record.model,
    version: BigInt(record.version),
    variant: record.variant,
    role: ROLES[role],
    epoch: BigInt(record.epoch),
    revision: BigInt(record.revision),
    ...(bucket < 0 ? {} : { bucket }),
    protocol: record.protocol,
    status: record.status,
    code: record.code,
    producer: record.producer,
    sequence: BigInt(record.sequence),
    inclusionProbability: record.inclusionProbability,
    traceId: record.traceId,
    ...timesInit(record),
    rows: record.rows,
    isBatch: record.isBatch,
    featuresOmitted: OMITTED[featuresOmitted],
    instances: record.instances.map(instanceInit),
    ...(feedback === null ? {} : { feedback: feedbackInit(feedback) }),
  })
  return toBinary(PredictionRecordSchema, message)
}

const corrupt = (detail: string, cause?: unknown): GatewayError =>
  new GatewayError('STATE_CORRUPT', `A prediction record ${detail}`, { cause })

/** Lists nest 48 deep at most: the library reads messages no deeper. */
const recordValue = (message: Value | undefined): RecordValue => {
  const kind = message?.kind
  if (kind?.case === undefined) return null
  if (kind.case !== 'list') return kind.value
  return kind.value.values.map(recordValue)
}

const valuesOf = (message: NamedValues | undefined): Record<string, RecordValue> =>
  Object.fromEntries((message?.values ?? []).map(({ name, value }) => [name, recordValue(value)]))

const instanceOf = (message: Instance): RecordedInstance => ({
  features: valuesOf(message.features),
  score: recordValue(message.score),
  prediction: recordValue(message.prediction),
  ...(message.scores === undefined ? {} : { scores: valuesOf(message.scores) }),
  ...(message.outputs === undefined ? {} : { outputs: valuesOf(message.outputs) }),
})

const feedbackOf = ({ row, label, observedAtMs, ...of }: FeedbackMessage): Feedback => ({
  ofPredictionId: of.ofPredictionId ?? null,
  ofRequestId: of.ofRequestId ?? null,
  row: row ?? -1,
  label: recordValue(label),
  observedAtMs,
})

const parse = (bytes: Uint8Array): RecordMessage => {
  try {
    return fromBinary(PredictionRecordSchema, bytes)
  } catch (cause) {
    throw corrupt('is no message of its kind', cause)
  }
}

/**
 * The record of what `encodeRecord` of this or an earlier release wrote. Throws STATE_CORRUPT for
 * other bytes, STATE_TOO_NEW for a role that this release does not know.
 */
export const decodeRecord = (bytes: Uint8Array): PredictionRecord => {
  const message = parse(bytes)
  const role = ROLE_NAMES.get(message.role)
  if (role === undefined) {
    const detail = `A prediction record has role ${message.role}, of a later release`
    throw message.role === Role.UNSPECIFIED
      ? corrupt('has no role')
      : new GatewayError('STATE_TOO_NEW', detail)
  }
  const { endpoint, model, variant, protocol, status, code, producer, traceId } = message
  return {
    ...{ endpoint, model, variant, protocol, status, code, producer, traceId, role },
    predictionId: message.predictionId,
    requestId: message.requestId ?? null,
    timeMs: message.timeMs,
    version: Number(message.version),
    epoch: Number(message.epoch),
    revision: Number(message.revision),
    bucket: message.bucket ?? -1,
    sequence: Number(message.sequence),
    inclusionProbability: message.inclusionProbability,
    latencyMs: message.latencyMs ?? Number.NaN,
    decodeMs: message.decodeMs ?? Number.NaN,
    queueMs: message.queueMs ?? Number.NaN,
    computeMs: message.computeMs ?? Number.NaN,
    rows: message.rows,
    isBatch: message.isBatch,
    featuresOmitted: OMITTED_NAMES.get(message.featuresOmitted) ?? '',
    instances: message.instances.map(instanceOf),
    feedback: message.feedback === undefined ? null : feedbackOf(message.feedback),
  }
}
