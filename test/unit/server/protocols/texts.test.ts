import { expect, test } from 'vitest'
import * as featuresJson from '../../../../src/server/protocols/features/features-json.ts'
import * as oipJson from '../../../../src/server/protocols/oip/oip-json.ts'
import { TEXTS_MAX, textsMaxOf } from '../../../../src/server/protocols/texts.ts'
import * as tfsJson from '../../../../src/server/protocols/tfs/tfs-json.ts'
import { ERRORS } from '../../../../src/shared/errors.ts'
import { binaryBody } from '../../../helpers/binary-tensors.ts'
import { emptyDecoded, feature, planOf, tensor } from '../../../helpers/variant-plans.ts'

const SENT = 100
const MOST = textsMaxOf({ ...emptyDecoded(), sentBytes: SENT })

const free = planOf({ inputs: [tensor('a', 'BYTES', -1, -1), tensor('b', 'BYTES', -1, -1)] })
const one = planOf({ inputs: [tensor('a', 'BYTES', -1, -1)] })
const columns = planOf({
  inputs: [tensor('a', 'BYTES', -1, 2)],
  features: [0, 1].map((column) =>
    feature({
      name: `f${column}`,
      tensor: 'a',
      column,
      type: 'category',
      optional: true,
      missing: '',
    }),
  ),
})

const texts = (count: number) => new Array<string>(count).fill('')
const input = (name: string, count: number) => ({ name, shape: [1, count], datatype: 'BYTES' })

/** Ways to send so many texts in all. */
const WAYS = [
  [
    'oip, two inputs',
    oipJson,
    free,
    (count: number) => ({
      inputs: [
        { ...input('a', count - 9), data: texts(count - 9) },
        { ...input('b', 9), data: texts(9) },
      ],
    }),
  ],
  [
    'tfs, rows',
    tfsJson,
    one,
    (count: number) => ({
      instances: new Array(count).fill(['']),
    }),
  ],
  ['tfs, whole', tfsJson, one, (count: number) => ({ inputs: [texts(count)] })],
  ['predict, one row', featuresJson, one, (count: number) => ({ features: texts(count) })],
  [
    'predict, rows of features',
    featuresJson,
    columns,
    (count: number) => ({
      instances: new Array(Math.ceil(count / 2)).fill({}),
    }),
  ],
] as const

const decode = (
  format: typeof oipJson | typeof tfsJson | typeof featuresJson,
  plan: typeof one,
  body: Uint8Array,
  sentBytes: number,
  jsonBytes = -1,
) => {
  const decoded = { ...emptyDecoded(jsonBytes), sentBytes }
  const target = { columns: [], row: 0, room: 0 }
  return format.decodeRequest(body, plan, target, decoded, () => {})?.code ?? ''
}

test.each(WAYS)(
  'decodeRequest() bounds the texts of a compressed body: %s',
  (_way, format, plan, bodyOf) => {
    const ask = (count: number, sentBytes = SENT) =>
      decode(format, plan, new TextEncoder().encode(JSON.stringify(bodyOf(count))), sentBytes)
    expect(ask(MOST)).toBe('')
    expect(ask(MOST + 1)).toMatch(/^(ENCODING_RATIO_EXCEEDED|TENSOR_SHAPE_MISMATCH)$/)
    expect(ask(MOST + 1, -1)).toBe('')
  },
)

test('decodeRequest() bounds the texts behind the JSON, whatever was sent before', () => {
  const ask = (count: number, sentBytes: number) => {
    const tail = new Uint8Array(count * 4)
    const inputs = [{ ...input('a', count), parameters: { binary_data_size: tail.length } }]
    const { bytes, jsonBytes } = binaryBody({ inputs }, [tail])
    return decode(oipJson, one, bytes, sentBytes, jsonBytes)
  }
  expect(ask(MOST + 1, -1)).toBe('')
  expect(ask(MOST + 1, SENT)).toBe('ENCODING_RATIO_EXCEEDED')
  expect(ask(MOST, SENT)).toBe('')
  expect(ask(TEXTS_MAX, -1)).toBe('')
  expect(ask(TEXTS_MAX + 1, -1)).toBe('BODY_TOO_LARGE')
  expect(ask(TEXTS_MAX + 1, 2 ** 26)).toBe('BODY_TOO_LARGE')
})

test('BODY_TOO_LARGE says how many strings', () => {
  expect(ERRORS.BODY_TOO_LARGE.cause).toContain(TEXTS_MAX.toLocaleString('en-US'))
})
