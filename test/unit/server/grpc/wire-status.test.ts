import { status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fixedMetadata, refusedStatus, statusOf } from '../../../../src/server/grpc/wire-status.ts'
import { ERRORS, type ErrorCode, refuse } from '../../../../src/shared/errors.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const written = (code: ErrorCode, text = 'why') => ({
  refusal: refuse(code, text),
  error: { contentType: '', body: text },
  requestId: 'mine',
  predictionId: 'g.0.0-1-2',
  allow: '',
})

test.each(Object.keys(ERRORS) as ErrorCode[])('%s has a status of gRPC', (code) => {
  const { code: number, metadata } = statusOf(written(code), false)
  expect(status[number]).toBe(ERRORS[code].grpc)
  expect(number).not.toBe(status.OK)
  expect(metadata?.toHttp2Headers()['x-sluice-error']).toBe(code)
})

test('statusOf() says when a shed request may come again, and under which ids it ran', () => {
  expect(statusOf(written('QUEUE_FULL'), false).metadata?.toHttp2Headers()).toEqual({
    'x-sluice-error': 'QUEUE_FULL',
    'x-request-id': 'mine',
    'x-sluice-prediction-id': 'g.0.0-1-2',
    'retry-after': '1',
  })
})

test('statusOf() calls a request late by the word of the deadline that its client set', () => {
  expect(statusOf(written('DEADLINE_EXPIRED'), true).code).toBe(status.DEADLINE_EXCEEDED)
  expect(statusOf(written('DEADLINE_EXPIRED'), false).code).toBe(status.UNAVAILABLE)
})

test('statusOf() gives a text that grpc-js can encode, and that fits the headers of clients', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 1500 }), (text) => {
      const { details } = statusOf(written('INTERNAL', text), false)
      expect(encodeURI(details).length).toBeLessThan(8000)
    }),
    { numRuns: propertyRuns(20) },
  )
  expect(() => encodeURI(statusOf(written('INTERNAL', '\ud800'), false).details)).not.toThrow()
})

test('refusedStatus() has no ids', () => {
  const { metadata } = refusedStatus(refuse('KEY_REQUIRED', 'a key'))
  expect(metadata?.toHttp2Headers()).toEqual({ 'x-sluice-error': 'KEY_REQUIRED' })
})

test('fixedMetadata() gives what it was given, also to a copy', () => {
  const metadata = fixedMetadata({ a: 'b' })
  expect(metadata.clone().toHttp2Headers()).toEqual({ a: 'b' })
})
