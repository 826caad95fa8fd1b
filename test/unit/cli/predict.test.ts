import fc from 'fast-check'
import { expect, test } from 'vitest'
import { wrapBody } from '../../../src/cli/predict.ts'

const wrapped = (text: string): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(wrapBody(new TextEncoder().encode(text)))

test.each([
  ['{"a":1,"a":2}'], // duplicate keys are for the gateway to refuse
  ['{"a":9007199254740993}'],
  ['{"a":1e400}'],
  ['{"a":0.1000}'],
  [' [1, 2.50]\n'],
  ['7'],
])('wrapBody() puts the bare row %s around, and does not touch it', (text) => {
  expect(wrapped(text)).toBe(`{"features":${text}}`)
})

test.each([
  ['{"features":{"a":1}}'],
  ['{"instances":[[1]]}'],
  ['{"a":1'], // no JSON: the gateway says best what is wrong with it
  ['\ufeff{"a":1}'],
  [''],
])('wrapBody() leaves %j as it is', (text) => {
  expect(wrapped(text)).toBe(text)
})

test('wrapBody() leaves bytes that are not UTF-8 as they are', () => {
  const bytes = Uint8Array.of(0x7b, 0xff, 0x7d)
  expect(wrapBody(bytes)).toEqual(bytes)
})

test('wrapBody() makes JSON of JSON', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const value = JSON.parse(wrapped(text))
      expect('features' in value || 'instances' in value).toBe(true)
    }),
  )
})
