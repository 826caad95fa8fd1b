import { ROOT_CONTEXT } from '@opentelemetry/api'
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  foldTraceId,
  ID_WORDS,
  PARENT,
  readTraceparent,
  thresholdOf,
} from '../../../src/shared/trace-context.ts'

const hexOf = (ids: Uint32Array): string =>
  [...ids].map((word) => word.toString(16).padStart(8, '0')).join('')

const read = (text: string) => {
  const ids = new Uint32Array(ID_WORDS)
  const parent = readTraceparent(text, ids)
  return { parent, hex: hexOf(ids) }
}

const digits = (length: number) =>
  fc
    .uint8Array({ minLength: length / 2, maxLength: length / 2 })
    .map((bytes) => Buffer.from(bytes).toString('hex'))
const id = (length: number) => digits(length).filter((hex) => /[^0]/.test(hex))
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'
const wellFormed = `00-${TRACE_ID}-${SPAN_ID}-01`

/** The grammar of the standard, §3.2.2, as one expression. */
const GRAMMAR = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/s

const oracle = (text: string): { parent: number; hex: string } | null => {
  const [, version, trace = '', span = '', flags = '', more] = GRAMMAR.exec(text) ?? []
  if (version === undefined || (version === '00' && more !== undefined)) return null
  if (/^0+$/.test(trace) || /^0+$/.test(span)) return null
  const isSampled = (Number.parseInt(flags, 16) & 1) === 1
  return { parent: isSampled ? PARENT.SAMPLED : PARENT.UNSAMPLED, hex: trace + span }
}

test('readTraceparent() reads the examples of the standard', () => {
  const hex = TRACE_ID + SPAN_ID
  expect(read(wellFormed)).toEqual({ parent: PARENT.SAMPLED, hex })
  expect(read(`00-${TRACE_ID}-${SPAN_ID}-00`)).toEqual({ parent: PARENT.UNSAMPLED, hex })
})

test('readTraceparent() reads what is well-formed, of any version and with any flags', () => {
  const any = fc.tuple(digits(2), id(32), id(16), digits(2), fc.constantFrom('', '-', '-more'))
  fc.assert(
    fc.property(any, ([version, trace, span, flags, more]) => {
      const text = `${version}-${trace}-${span}-${flags}${more}`
      const wanted = oracle(text)
      if (wanted === null) expect(read(text).parent).toBe(PARENT.NONE)
      else expect(read(text)).toEqual(wanted)
    }),
  )
})

test('readTraceparent() takes a header with one character changed as the grammar does', () => {
  const changes = ['', '-', '0', 'a', 'A', 'g', ' ', 'é', '\0', '00']
  for (let at = 0; at <= wellFormed.length; at++) {
    for (const change of changes) {
      for (const cut of [0, 1]) {
        const text = wellFormed.slice(0, at) + change + wellFormed.slice(at + cut)
        expect([text, read(text).parent]).toEqual([text, oracle(text)?.parent ?? PARENT.NONE])
      }
    }
  }
})

test.each([
  ['nothing', ''],
  ['upper case', wellFormed.toUpperCase()],
  ['a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN_ID}-01`],
  ['a span id of zeros', `00-${TRACE_ID}-${'0'.repeat(16)}-01`],
  ['the forbidden version', `ff-${TRACE_ID}-${SPAN_ID}-01`],
  ['two of them joined', `${wellFormed}, ${wellFormed}`],
  ['version 00 with more behind', `${wellFormed}-more`],
])('readTraceparent() takes %s for absent', (_, text) => {
  expect(read(text).parent).toBe(PARENT.NONE)
})

test('readTraceparent() survives any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii', maxLength: 80 }), (text) => {
      expect(read(text).parent).toBe(oracle(text)?.parent ?? PARENT.NONE)
    }),
  )
})

const sdkKeeps = (ratio: number, traceId: string): boolean => {
  const sampler = new TraceIdRatioBasedSampler(ratio)
  const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId)
  return decision === SamplingDecision.RECORD_AND_SAMPLED
}

test('thresholdOf() and foldTraceId() keep the traces that the OpenTelemetry SDK keeps', () => {
  const ratio = fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.constantFrom(0, 1, 0.5, 1e-9, 1 - 1e-9),
  )
  fc.assert(
    fc.property(ratio, id(32), (share, trace) => {
      const ids = Uint32Array.from({ length: 4 }, (_, i) =>
        Number.parseInt(trace.slice(i * 8, i * 8 + 8), 16),
      )
      expect(foldTraceId(ids) < thresholdOf(share)).toBe(sdkKeeps(share, trace))
    }),
  )
})

test('thresholdOf() agrees with the SDK at the very edge of a ratio', () => {
  for (const ratio of [0.25, 0.1, 0.999_999_999]) {
    const threshold = thresholdOf(ratio)
    for (const folded of [threshold - 1, threshold]) {
      const trace = folded.toString(16).padStart(8, '0') + '0'.repeat(24)
      expect(folded < threshold).toBe(sdkKeeps(ratio, trace))
    }
  }
})
