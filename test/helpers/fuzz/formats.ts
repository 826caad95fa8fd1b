/** Everything else that reads bytes of strangers: encodings, config.pbtxt, models. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { parseTextFormat } from '../../../src/config/text-format.ts'
import { parseTritonConfig } from '../../../src/config/triton-config.ts'
import { walkOnnx } from '../../../src/runtime/onnx/onnx-walker.ts'
import { plainBytesMax, withPlainBody } from '../../../src/server/content-encoding.ts'
import { gather, mlp, nested, ownFunction, scaleAdd } from '../models.ts'
import { makeTempDir } from '../temp-dir.ts'
import { damaged } from './bytes.ts'
import { type Input, inputFrom, type Target, type Verdict } from './harness.ts'
import { protobufBytes } from './protobuf.ts'
import { tokenBytes } from './tokens.ts'

const fine = (isTaken: boolean, grownBytes = 0): Verdict => ({ fault: null, isTaken, grownBytes })
const faulty = (fault: string): Verdict => ({ fault, isTaken: false, grownBytes: 0 })

/** Seeds of bodies: texts, nothing, zeros at the limit and beyond. */
const PLAIN = ['', 'a', '{"features":{"a":1}}', '0,'.repeat(4000), '\0'.repeat(40_000)]
const PACKED = PLAIN.flatMap((text) => [
  ...[gzipSync(text), deflateSync(text), deflateRawSync(text)],
  Buffer.concat([gzipSync(text), gzipSync(text)]),
])

const ENCODINGS = ['gzip', 'deflate', 'x-gzip', 'Deflate']
const BODY_BYTES_MAX = 50_000

const REFUSED = ['REQUEST_MALFORMED', 'ENCODING_RATIO_EXCEEDED', 'BODY_TOO_LARGE']

type Inflate = typeof withPlainBody

const checkEncoding =
  (inflate: Inflate) =>
  ({ bytes, choice }: Input): Verdict => {
    let taken = 0
    let grown = 0
    const limits = {
      bodyBytesMax: BODY_BYTES_MAX,
      takeBodyBytes: (more: number) => {
        taken += more
        return true
      },
    }
    const encoding = ENCODINGS[choice % ENCODINGS.length]!
    const read = (): string => {
      let plain = ''
      const refusal = inflate(bytes, encoding, limits, (body) => {
        plain = Buffer.from(body).toString('base64')
        grown = body.length
        return null
      })
      return refusal?.code ?? `body: ${plain}`
    }
    const [first, second] = [read(), read()]
    if (first !== second) return faulty(`two verdicts: ${first} and ${second}`)
    if (taken !== 0) return faulty(`${taken} bytes of the budget are kept`)
    if (grown > Math.min(BODY_BYTES_MAX, plainBytesMax(bytes.length)))
      return faulty(`${grown} bytes`)
    const isListed = first.startsWith('body') || REFUSED.includes(first)
    return isListed ? fine(first.startsWith('body'), grown) : faulty(`refused with ${first}`)
  }

const ENCODING: Target = {
  name: 'content-encoding',
  make: (seed) =>
    inputFrom(seed, (random) => {
      let bytes: Uint8Array = random.pick(PACKED)
      for (let i = random.below(4); i > 0; i--) bytes = damaged(random, bytes, random.pick(PACKED))
      return bytes
    }),
  check: checkEncoding(withPlainBody),
  canary: checkEncoding((body, encoding, limits, use) => {
    if (encoding === 'gzip') gunzipSync(body) // nobody catches what it throws
    return withPlainBody(body, encoding, limits, use)
  }),
}

const PBTXT = {
  texts: [
    'name: "m"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 8\n' +
      'input [ { name: "x" data_type: TYPE_FP32 dims: [ 3 ] }, { name: "t" data_type: 13 dims: 1 reshape { } optional: 1 } ]\n' +
      'output { name: "y" data_type: TYPE_FP32 dims: [ -1, 2 ] }\n',
    'dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100 }\n' +
      'instance_group [ { kind: KIND_CPU count: 2 } ] # comment\n',
    'parameters { key: "intra_op_thread_count" value: { string_value: "4" } }\n' +
      "optimization < graph < level: -1 > > version_policy: { latest { num_versions: 2 } }\nname: 'a' 'b'\n",
    'default_model_filename: "model.onnx"; backend: "onnx\\u0072untime\\x41\\101"; f: 1.5e3f, g: 0x1F h: 017\n' +
      '[type.googleapis.com/a.B] { c: -inf d: true }',
  ],
  tokens: [
    ...['{', '}', '<', '>', '[', ']', ':', ';', ',', '-', '#', '"', "'", '\n', '\0', '.', '/'],
    ...['name', 'input', 'dims', 'data_type', 'max_batch_size', 'inf', 'nan', 'true', 'TYPE_FP64'],
    ...[
      '0',
      '-1',
      '1e999',
      '0x',
      '08',
      '9223372036854775808',
      '1.5f',
      '"\\ud800"',
      '"\\777"',
      '"a',
    ],
    ...['a { '.repeat(70), 'a<'.repeat(70), '['.repeat(70), '9'.repeat(2000), '\u2028', '\ud800'],
  ],
}

const checkText =
  (parse: typeof parseTextFormat) =>
  ({ bytes }: Input): Verdict => {
    const text = bytes.toString()
    const [first, second] = [parse(text), parse(text)].map((each) =>
      JSON.stringify(each, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    )
    if (first !== second) return faulty('two verdicts')
    const result = parseTritonConfig(bytes, 'm')
    if (!('code' in result)) return fine(true)
    const isClear = result.detail.isWellFormed() && !/undefined|\[object/.test(result.detail)
    return isClear ? fine(false) : faulty(`an unclear reason: ${result.detail}`)
  }

const TEXT: Target = {
  name: 'config.pbtxt',
  make: (seed) => inputFrom(seed, (random) => tokenBytes(random, PBTXT)),
  check: checkText(parseTextFormat),
  canary: checkText((text) => {
    const result = parseTextFormat(text)
    if ('message' in result && result.line > 1) throw new Error(result.message)
    return result
  }),
}

const MODELS = [mlp([3, 4, 1]), gather(), ownFunction(), nested(5), scaleAdd(2)]

const folder = makeTempDir('fuzz')

const checkModel =
  (walk: typeof walkOnnx) =>
  ({ bytes }: Input): Verdict => {
    const file = join(folder, 'model.onnx')
    writeFileSync(file, bytes)
    const [first, second] = [walk(file, folder), walk(file, folder)]
    if (JSON.stringify(first) !== JSON.stringify(second)) return faulty('two verdicts')
    if (!('code' in first)) return fine(true)
    if (first.code !== 'MODEL_INVALID' && first.code !== 'MODEL_UNSAFE') return faulty(first.code)
    const isClear = first.detail.startsWith('model.onnx') && !first.detail.includes(folder)
    return isClear ? fine(false) : faulty(`an unclear reason: ${first.detail}`)
  }

const MODEL: Target = {
  name: 'ONNX walker',
  make: (seed) => inputFrom(seed, (random) => protobufBytes(random, MODELS)),
  check: checkModel(walkOnnx),
  canary: checkModel((file, beside) => {
    const result = walkOnnx(file, beside)
    if ('code' in result && result.detail.includes('longer than its message')) throw result
    return result
  }),
}

export const FORMAT_TARGETS: readonly Target[] = [ENCODING, TEXT, MODEL]
