import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeLayout, encodeLayout } from '../../../src/records/layout-file.ts'
import { GatewayError } from '../../../src/shared/errors.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import { endpointLayout, manifestFeature, recordLayout } from '../../helpers/record-layouts.ts'

const MANIFEST: Manifest = {
  digest: '',
  features: [
    manifestFeature({ name: 'delay', column: 1 }),
    manifestFeature({ name: 'carrier', type: 'category', vocabulary: ['a', 'b'] }),
  ],
  task: 'multiclass',
  classes: ['late', 3],
  score: { output: 'p', column: 0 },
}
const LAYOUT = recordLayout({
  signature: {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
    outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 2] }],
  },
  manifest: MANIFEST,
  policy: {
    redact: {
      features: { delay: { kind: 'bucket', width: 5 }, carrier: { kind: 'hmac' } },
      outputs: {},
      requestId: { kind: 'mask' },
    },
    hmacKeyId: 'key-1',
  },
})

const codeOf = (bytes: Uint8Array): string => {
  try {
    decodeLayout(bytes)
    return ''
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(GatewayError)
    return (thrown as GatewayError).code
  }
}

const bytesOf = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

test('a layout comes back as it was', () => {
  for (const layout of [LAYOUT, endpointLayout()]) {
    expect(decodeLayout(encodeLayout(layout))).toEqual(layout)
  }
})

test('a format of a later release is told from what is no layout', () => {
  expect(codeOf(bytesOf({ format: 2, layout: {} }))).toBe('STATE_TOO_NEW')
  for (const bad of [null, 1, 'x', [], {}, { format: 1 }, { format: 1, layout: [] }]) {
    expect(codeOf(bytesOf(bad))).toBe('STATE_CORRUPT')
  }
  expect(codeOf(Buffer.from('{'))).toBe('STATE_CORRUPT')
  expect(codeOf(Buffer.from([0xff, 0xfe]))).toBe('STATE_CORRUPT')
})

test('a layout without one of its fields is none', () => {
  for (const name of Object.keys(LAYOUT)) {
    expect(codeOf(bytesOf({ format: 1, layout: { ...LAYOUT, [name]: undefined } }))).not.toBe('')
  }
})

test('indices that name nothing are found', () => {
  const feature = LAYOUT.features[0]!
  const wrong = [
    { features: [{ ...feature, input: 1 }, feature] },
    { features: [{ ...feature, column: 2 }, feature] },
    { features: [feature] },
    { answer: { ...LAYOUT.answer!, score: 1 } },
    { policy: { ...LAYOUT.policy, outputs: [] } },
  ]
  for (const more of wrong) {
    expect(codeOf(bytesOf({ format: 1, layout: { ...LAYOUT, ...more } }))).toBe('STATE_CORRUPT')
  }
})

test('decodeLayout() on damaged bytes throws nothing but its own errors', () => {
  const bytes = encodeLayout(LAYOUT)
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, end) => {
      const damaged = bytes.slice(0, end)
      damaged[at] = value
      expect(['', 'STATE_TOO_NEW', 'STATE_CORRUPT']).toContain(codeOf(damaged))
    }),
  )
})
