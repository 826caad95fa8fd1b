/** From the bytes of a body into the batch, and from results to the bytes of an answer. */

import { decodeComplete } from '../../src/server/protocols/features/features-complete.ts'
import * as featuresJson from '../../src/server/protocols/features/features-json.ts'
import * as oipJson from '../../src/server/protocols/oip/oip-json.ts'
import type {
  Answer,
  Decoded,
  DecodeRequest,
  RowTarget,
} from '../../src/server/protocols/protocol.ts'
import * as tfsJson from '../../src/server/protocols/tfs/tfs-json.ts'
import { compileVariant, type VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { bind, contractOf } from '../../src/shared/contract.ts'
import type { Manifest, ManifestFeature } from '../../src/shared/manifest.ts'
import { allocate, type Signature, type TensorSignature } from '../../src/shared/tensor.ts'
import { FEATURES_BODY, OIP_BODY } from '../fixtures.ts'
import { seededUniform } from '../load/arrivals.ts'
import type { MicroCase } from '../measure/micro-case.ts'

const ROWS_MAX = 256
const encoder = new TextEncoder()
const ROW = (JSON.parse(FEATURES_BODY) as { features: number[] }).features

const OUTPUTS: readonly TensorSignature[] = [
  { name: 'label', datatype: 'INT64', shape: [-1] },
  { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
]

const planOf = (
  inputs: readonly TensorSignature[],
  features: readonly ManifestFeature[],
): VariantPlan => {
  const signature: Signature = { inputs, outputs: OUTPUTS }
  const manifest: Manifest = {
    digest: '',
    features,
    task: 'binary',
    score: { output: 'probabilities', column: 1 },
    label: { output: 'label' },
    classes: [0, 1],
    positiveClass: 1,
    threshold: 0.24,
  }
  const contract = contractOf(signature, manifest)
  const binding = bind(contract, signature, manifest)
  if ('code' in binding) throw new Error(binding.detail)
  return compileVariant({
    endpoint: 'mlp',
    model: 'mlp',
    version: 1,
    variant: 'v1',
    contract,
    binding,
    signature,
    manifest,
    rowStrides: inputs.map(({ shape }) => shape[1]!),
    rowsMax: ROWS_MAX,
    jsonDepthMax: 100,
  })
}

const number = (name: string, tensor: string, column: number): ManifestFeature => ({
  name,
  type: 'number',
  tensor,
  column,
  optional: true,
  missing: Number.NaN,
})

export const numbersPlan = (): VariantPlan =>
  planOf(
    [{ name: 'input', datatype: 'FP32', shape: [-1, ROW.length] }],
    ROW.map((_, i) => number(`feature_${i}`, 'input', i)),
  )

/** Four categories and thirteen numbers, as the flight delay example. */
const CATEGORIES = { origin: 'EWR', dest: 'IAH', carrier: 'UA', weekday: 'Tue' }
const NUMBERS = {
  departure_minute: 317,
  distance: 1400,
  plane_age: 14,
  seats: 149,
  temperature: 39.02,
  humidity: 59.37,
  wind_speed: 10.35702,
  wind_gust: 12.65858,
  precipitation: 0,
  pressure: 1012.3,
  visibility: 10,
  origin_delay: 2.4166666666666665,
  origin_overdue: 0.8333333333333334,
}

const mixedPlan = (): VariantPlan => {
  const categories = Object.keys(CATEGORIES).map(
    (name, column): ManifestFeature => ({
      name,
      type: 'category',
      tensor: 'categorical',
      column,
      optional: false,
      missing: '',
    }),
  )
  return planOf(
    [
      { name: 'numeric', datatype: 'FP32', shape: [-1, 13] },
      { name: 'categorical', datatype: 'BYTES', shape: [-1, 4] },
    ],
    [...categories, ...Object.keys(NUMBERS).map((name, i) => number(name, 'numeric', i))],
  )
}

/** Both outputs of so many rows; all of them, as JSON. */
export const answerOfRows = (plan: VariantPlan, rows: number): Answer => ({
  plan,
  results: [
    { datatype: 'INT64', shape: [rows], data: new BigInt64Array(rows).fill(1n) },
    { datatype: 'FP32', shape: [rows, 2], data: new Float32Array(rows * 2).fill(0.5) },
  ],
  rowStart: 0,
  rows,
  isBatch: true,
  outputs: null,
  requestId: null,
  echoedId: null,
  bodyId: null,
  idPrefix: 'Xk3f9a.0.0-1-',
  sequence: 1,
  latencyMs: 0.25,
})

const onSlow = (): void => {}

/** Decodes the bodies in turn. `jsonBytes`: of each, as their heads say. */
export const decodeCase = (
  name: string,
  body: string | readonly Uint8Array[],
  makePlan: () => VariantPlan,
  decodeRequest: DecodeRequest,
  jsonBytes = -1,
): MicroCase => ({
  name,
  setup: () => {
    const plan = makePlan()
    const bodies = typeof body === 'string' ? [encoder.encode(body)] : body
    const { inputs } = plan.signature
    const strides = plan.rowStrides!
    const columns = inputs.map(({ datatype }, i) => allocate(datatype, ROWS_MAX * strides[i]!))
    const target: RowTarget = { columns, row: 0, room: ROWS_MAX }
    const decoded: Decoded = {
      jsonBytes,
      sentBytes: -1,
      rows: 0,
      tensors: null,
      extras: null,
      isBatch: false,
      bodyId: null,
      askedPriority: 0,
      askedTimeoutUs: 0,
      outputs: null,
    }
    const last = strides[0]! - 1
    let next = 0
    return () => {
      const bytes = bodies[next]!
      next = next + 1 === bodies.length ? 0 : next + 1
      decoded.rows = 0
      decoded.tensors = null
      decoded.isBatch = false
      decoded.bodyId = null
      if (decodeRequest(bytes, plan, target, decoded, onSlow) !== null) return -1
      return decoded.rows + Number(columns[0]![last])
    }
  },
})

/** The whole decoding, the body around the numbers included, is charged to them. */
const judged = (numbers: number, some: MicroCase): MicroCase => ({ ...some, numbers })

/** Rows of numbers of seven digits. */
const matrix = (rows: number): number[][] => {
  const uniform = seededUniform(64)
  return Array.from({ length: rows }, () =>
    ROW.map(() => Number((uniform() * 2 - 1).toPrecision(7))),
  )
}

const tfsBody = (rows: number): string => JSON.stringify({ instances: matrix(rows) })

const oipBody = (rows: number): string => {
  const data = matrix(rows).flat()
  const input = { name: 'input', shape: [rows, ROW.length], datatype: 'FP32', data }
  return JSON.stringify({ inputs: [input] })
}

const named = (values: readonly number[]): string =>
  JSON.stringify({ features: Object.fromEntries(values.map((v, i) => [`feature_${i}`, v])) })

/** What Python prints for float64: 16 or 17 significant digits. */
const doubles = (): string => {
  const uniform = seededUniform(17)
  return JSON.stringify({ features: ROW.map(() => uniform() * 2 - 1) })
}

const encodeBinary: MicroCase = {
  name: 'encode: one binary prediction, features',
  setup: () => {
    const plan = numbersPlan()
    const probabilities = new Float32Array(512).map((_, i) => (i + 1) / 513)
    const answer = {
      plan,
      results: [
        { datatype: 'INT64', shape: [256], data: new BigInt64Array(256) },
        { datatype: 'FP32', shape: [256, 2], data: probabilities },
      ],
      rowStart: 0,
      rows: 1,
      isBatch: false,
      outputs: null,
      requestId: null,
      echoedId: null,
      bodyId: null,
      idPrefix: 'Xk3f9a.0.0-1-',
      sequence: 1,
      latencyMs: 0.25,
    } satisfies Answer
    let i = 0
    return () => {
      answer.rowStart = i++ & 255
      return featuresJson.encodeResponse(answer as Answer) === '' ? 0 : answer.rowStart
    }
  },
}

const decodeFeatures = featuresJson.decodeRequest
const decodeOip = oipJson.decodeRequest
const decodeTfs = tfsJson.decodeRequest

export const cases: readonly MicroCase[] = [
  judged(
    ROW.length,
    decodeCase('decode: 30 floats in order, features', FEATURES_BODY, numbersPlan, decodeFeatures),
  ),
  decodeCase('decode: 30 named floats, features', named(ROW), numbersPlan, decodeFeatures),
  decodeCase('decode: 30 doubles of 16 digits, features', doubles(), numbersPlan, decodeFeatures),
  decodeCase(
    'decode: 13 numbers and 4 categories, features',
    JSON.stringify({ features: { ...CATEGORIES, ...NUMBERS } }),
    mixedPlan,
    decodeFeatures,
  ),
  decodeCase('decode: 1 row of 30 floats, OIP', OIP_BODY, numbersPlan, decodeOip),
  judged(
    64 * ROW.length,
    decodeCase('decode: 64 rows of 30 floats, OIP', oipBody(64), numbersPlan, decodeOip),
  ),
  decodeCase('decode: 1 row of 30 floats, TensorFlow', tfsBody(1), numbersPlan, decodeTfs),
  judged(
    64 * ROW.length,
    decodeCase('decode: 64 rows of 30 floats, TensorFlow', tfsBody(64), numbersPlan, decodeTfs),
  ),
  decodeCase(
    'decode: 30 floats by the complete decoder',
    FEATURES_BODY,
    numbersPlan,
    decodeComplete,
  ),
  encodeBinary,
]
