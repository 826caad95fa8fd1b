/** The decoders of requests as targets. */

import { decodeComplete } from '../../../src/server/protocols/features/features-complete.ts'
import { decodeFast, type FastPlan } from '../../../src/server/protocols/features/features-fast.ts'
import * as featuresJson from '../../../src/server/protocols/features/features-json.ts'
import { decodeOipComplete } from '../../../src/server/protocols/oip/oip-complete.ts'
import { decodeOipFast } from '../../../src/server/protocols/oip/oip-fast.ts'
import * as oipJson from '../../../src/server/protocols/oip/oip-json.ts'
import type { DecodeRequest } from '../../../src/server/protocols/protocol.ts'
import { decodeTfsComplete } from '../../../src/server/protocols/tfs/tfs-complete.ts'
import { decodeTfsFast } from '../../../src/server/protocols/tfs/tfs-fast.ts'
import * as tfsJson from '../../../src/server/protocols/tfs/tfs-json.ts'
import type { VariantPlan } from '../../../src/server/protocols/variant-plan.ts'
import { type Decoders, expectAgreement } from '../decoder-agreement.ts'
import { expectWithin, guardedTarget, type Place } from '../guarded-target.ts'
import { emptyDecoded, feature, flightPlan, planOf, tensor } from '../variant-plans.ts'
import { type Input, inputFrom, type Target, type Verdict } from './harness.ts'
import { jsonBytes } from './json.ts'
import type { Random } from './random.ts'

const matrix = planOf({ inputs: [tensor('x', 'FP32', -1, 3)] })
const long = planOf({ inputs: [tensor('x', 'INT64', -1, -1)] })
const whole = planOf({ inputs: [tensor('x', 'FP64', 2, 2)], rowsMax: 0 })
const mixed = planOf({
  inputs: [
    tensor('numbers', 'FP32', -1, 2),
    tensor('texts', 'BYTES', -1, 1),
    tensor('flags', 'BOOL', -1, -1),
  ],
  outputs: [tensor('score', 'FP32', -1, 1), tensor('label', 'BYTES', -1, 1)],
})
const sparse = planOf({
  inputs: [tensor('x', 'FP64', -1, 50)],
  features: Array.from({ length: 50 }, (_, column) =>
    feature({ name: `f${column}`, tensor: 'x', column, optional: true }),
  ),
})

const ROW = { origin: 'EWR', seats: 149, gust: 12.66, is_late: true }
const FEATURES_MESSAGES: readonly unknown[] = [
  { features: ROW },
  { features: ROW, request_id: 'r-1' },
  { features: ['EWR', 149, null, false] },
  { instances: [ROW, ['LGA', 1, 2, true], ROW] },
  { features: { f0: 1, f49: -0.5 } },
  { instances: [{ f1: 1 }, {}, {}] },
  { features: [1, 2.5, -3] },
  {
    instances: [
      [1, 2, 3],
      [4, 5, 6],
    ],
  },
  { features: { numbers: [1, 2], texts: ['a'], flags: [true, false] } },
]

const numbers = { name: 'numbers', datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] }
const texts = { name: 'texts', datatype: 'BYTES', shape: [2, 1], data: ['a', 'ä'] }
const flags = { name: 'flags', datatype: 'BOOL', shape: [2, 1], data: [[true], [false]] }
const OIP_MESSAGES: readonly unknown[] = [
  { inputs: [{ name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] }] },
  {
    id: 'a',
    inputs: [
      {
        name: 'x',
        datatype: 'FP32',
        shape: [2, 3],
        data: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
    ],
  },
  { inputs: [{ name: 'x', shape: [1, 2], datatype: 'INT64', data: [1, -9007199254740991] }] },
  { inputs: [{ name: 'x', shape: [2, 2], datatype: 'FP64', data: [1, 2, 3, 4] }] },
  { inputs: [numbers, texts, flags], outputs: [{ name: 'score' }, { name: 'label' }] },
  {
    parameters: { binary_data_output: true },
    inputs: [texts, flags, numbers],
    outputs: [{ name: 'label', parameters: { binary_data: false, classification: 2 } }],
  },
]

const binaryInput = (name: string, datatype: string, shape: number[], bytes: number) => ({
  ...{ name, datatype, shape },
  parameters: { binary_data_size: bytes },
})
const BINARY_MESSAGES: readonly unknown[] = [
  { inputs: [binaryInput('x', 'FP32', [1, 3], 12)] },
  { id: 'a', inputs: [binaryInput('x', 'FP32', [2, 3], 24)] },
  { inputs: [binaryInput('x', 'INT64', [1, 2], 16)] },
  { inputs: [binaryInput('x', 'FP64', [2, 2], 32)] },
  {
    inputs: [
      binaryInput('numbers', 'FP32', [1, 2], 8),
      binaryInput('texts', 'BYTES', [1, 1], 4),
      binaryInput('flags', 'BOOL', [1, 2], 2),
    ],
  },
  { inputs: [numbers, binaryInput('texts', 'BYTES', [2, 1], 8), flags] },
]

const TFS_MESSAGES: readonly unknown[] = [
  {
    instances: [
      [1, 2, 3],
      [4, 5, 6],
    ],
  },
  { signature_name: 'serving_default', inputs: [[1, 2, 3]] },
  { inputs: { numbers: [[1, 2]], texts: [['a']], flags: [[true, false]] } },
  { instances: [{ numbers: [1, 2], texts: [{ b64: 'YQ==' }], flags: [true] }] },
  { instances: [{ x: [1, -2] }] },
  {
    inputs: [
      [1, 2],
      [3, 4],
    ],
  },
]

const FEATURES: Decoders = {
  fast: (body, plan, target, decoded) => {
    const { features } = plan
    return features.fast !== null && decodeFast(body, features as FastPlan, target, decoded)
  },
  complete: decodeComplete,
  decodeRequest: featuresJson.decodeRequest,
}

const OIP: Decoders = {
  fast: (body, plan, target, decoded) => {
    decoded.isBatch = true
    return plan.oip !== null && decodeOipFast(body, plan.oip, target, decoded)
  },
  complete: (body, plan, target, decoded) => {
    decoded.isBatch = true
    return decodeOipComplete(body, plan, target, decoded)
  },
  decodeRequest: oipJson.decodeRequest,
}

const TFS: Decoders = {
  fast: (body, plan, target, decoded) =>
    plan.oip !== null && decodeTfsFast(body, plan.oip, target, decoded),
  complete: decodeTfsComplete,
  decodeRequest: tfsJson.decodeRequest,
}

/** Bytes of a text in an array: its pointer and its own. */
const TEXT_BYTES = 32

const verdictOf = (
  decodeRequest: DecodeRequest,
  plan: VariantPlan,
  body: Uint8Array,
  jsonBytes = -1,
): Verdict => {
  const decoded = emptyDecoded(jsonBytes)
  const target = { columns: [], row: 0, room: 0 }
  const isTaken = decodeRequest(body, plan, target, decoded, () => {}) === null
  const all = decoded.tensors ?? []
  const grownBytes = all.reduce(
    (sum, { data }) => sum + (Array.isArray(data) ? TEXT_BYTES * data.length : data.byteLength),
    0,
  )
  return { fault: null, isTaken, grownBytes }
}

const placeOf = (choice: number): Place => ({ row: choice % 3, room: (choice >> 2) % 5 })

/** A naive decoder: what is no JSON throws. */
const naive =
  (decode: DecodeRequest): DecodeRequest =>
  (body, ...rest) => {
    JSON.parse(Buffer.from(body).toString())
    return decode(body, ...rest)
  }

const jsonTarget = (
  name: string,
  decoders: Decoders,
  plans: readonly VariantPlan[],
  messages: readonly unknown[],
): Target => {
  const checkWith =
    (own: Decoders) =>
    ({ bytes, choice }: Input): Verdict => {
      const plan = plans[choice % plans.length]!
      expectAgreement(own, plan, bytes, placeOf(choice >> 4))
      return verdictOf(own.decodeRequest, plan, bytes)
    }
  return {
    name,
    make: (seed) => inputFrom(seed, (random) => jsonBytes(random, messages)),
    check: checkWith(decoders),
    canary: checkWith({ ...decoders, decodeRequest: naive(decoders.decodeRequest) }),
  }
}

const BINARY_PLANS = [matrix, long, whole, mixed]

/** Tensors for a JSON part: of as many bytes as it says, but for one in four. */
const withTail = (random: Random, json: Buffer): Buffer => {
  const sizes = [...json.toString().matchAll(/"binary_data_size":(\d{1,2})\b/g)]
  const said = sizes.reduce((sum, [, size]) => sum + Number(size), 0)
  const tail = Buffer.alloc(random.once(4) ? random.below(64) : said)
  // Zeros are right for every datatype.
  if (random.once(2)) for (let i = 0; i < tail.length; i++) tail[i] = random.pick(TAIL_BYTES)
  return Buffer.concat([json, tail])
}

const TAIL_BYTES = [0, 0, 0, 1, 4, 0x61, 0xff]

/** The same plan without memory of what other requests said. */
const forgetful = (plan: VariantPlan): VariantPlan =>
  planOf({ inputs: plan.signature.inputs, outputs: plan.signature.outputs, rowsMax: plan.rowsMax })

const checkBinary =
  (decode: DecodeRequest) =>
  ({ bytes, choice }: Input): Verdict => {
    const plan = BINARY_PLANS[choice % BINARY_PLANS.length]!
    const jsonEnd = bytes.lastIndexOf(0x7d) + 1
    // Mostly true, and else anything.
    const length = (choice >> 3) % 5 === 0 ? (choice >> 6) % (bytes.length + 1) : jsonEnd
    const place = guardedTarget(plan, placeOf(choice >> 4))
    decode(bytes, plan, place, emptyDecoded(length), () => {})
    expectWithin(plan, place, place.room)
    const codes = [forgetful(plan), plan, plan].map((each) => {
      const decoded = emptyDecoded(length)
      const refusal = decode(bytes, each, { columns: [], row: 0, room: 0 }, decoded, () => {})
      const { tensors, rows, bodyId, outputs } = decoded
      return refusal ?? { tensors, rows, bodyId, outputs }
    })
    const texts = codes.map((code) =>
      JSON.stringify(code, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)),
    )
    const verdict = verdictOf(decode, plan, bytes, length)
    const isSame = texts.every((text) => text === texts[0])
    return isSame ? verdict : { ...verdict, fault: `what others said counts: ${texts.join(' | ')}` }
  }

/** Reads a length where there may be none. */
const unchecked: DecodeRequest = (body, plan, target, decoded, onSlow) => {
  new DataView(body.buffer, body.byteOffset, body.length).getUint32(decoded.jsonBytes, true)
  return oipJson.decodeRequest(body, plan, target, decoded, onSlow)
}

const BINARY: Target = {
  name: 'OIP binary',
  make: (seed) => inputFrom(seed, (random) => withTail(random, jsonBytes(random, BINARY_MESSAGES))),
  check: checkBinary(oipJson.decodeRequest),
  canary: checkBinary(unchecked),
}

export const DECODER_TARGETS: readonly Target[] = [
  jsonTarget('features JSON', FEATURES, [flightPlan(), sparse, matrix, mixed], FEATURES_MESSAGES),
  jsonTarget('OIP JSON', OIP, [matrix, long, whole, mixed], OIP_MESSAGES),
  BINARY,
  jsonTarget('TensorFlow Serving', TFS, [matrix, long, whole, mixed], TFS_MESSAGES),
]
