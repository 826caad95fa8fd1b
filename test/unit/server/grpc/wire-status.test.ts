import { Metadata, status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { refusedStatus, STATUS_CODES, statusOf } from '../../../../src/server/grpc/wire-status.ts'
import { ERRORS, type ErrorCode, refuse } from '../../../../src/shared/errors.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const written = (code: ErrorCode, text = 'why') => ({
  refusal: refuse(code, text),
  error: { contentType: '', body: text },
  requestId: 'mine',
  predictionId: 'g.0.0-1-2',
  allow: '',
})

/** Trailers as their client reads them. */
const trailersOf = (code: ErrorCode, text?: string, hasDeadline = false) => {
  const { trailers } = statusOf(written(code, text), hasDeadline)
  const metadata = new Metadata()
  for (let i = 0; i < trailers.length; i += 2) metadata.set(trailers[i]!, trailers[i + 1]!)
  return metadata.getMap()
}

test('STATUS_CODES are those of gRPC', () => {
  for (const [name, code] of Object.entries(STATUS_CODES)) expect(status[code], name).toBe(name)
  expect(Object.keys(STATUS_CODES)).toHaveLength(17)
})

test.each(Object.keys(ERRORS) as ErrorCode[])('%s has a status of gRPC', (code) => {
  const trailers = trailersOf(code)
  expect(status[Number(trailers['grpc-status'])]).toBe(ERRORS[code].grpc)
  expect(trailers['grpc-status']).not.toBe('0')
  expect(trailers['x-sluice-error']).toBe(code)
})

test('statusOf() says when a shed request may come again, and under which ids it ran', () => {
  expect(trailersOf('QUEUE_FULL')).toEqual({
    'grpc-status': '14',
    'grpc-message': 'why',
    'x-sluice-error': 'QUEUE_FULL',
    'x-request-id': 'mine',
    'x-sluice-prediction-id': 'g.0.0-1-2',
    'retry-after': '1',
  })
})

test('statusOf() calls a request late by the word of the deadline that its client set', () => {
  expect(trailersOf('DEADLINE_EXPIRED', 'late', true)['grpc-status']).toBe('4')
  expect(trailersOf('DEADLINE_EXPIRED', 'late', false)['grpc-status']).toBe('14')
})

test('statusOf() encodes any text, so that it fits the headers of clients', () => {
  const texts = fc.string({ unit: 'binary', maxLength: 1500 })
  fc.assert(
    fc.property(texts, (text) => {
      const encoded = String(trailersOf('INTERNAL', text)['grpc-message'])
      expect(encoded).toMatch(/^[\x20-\x7e]*$/)
      expect(encoded.length).toBeLessThan(8000)
      if (text.length <= 800) expect(decodeURIComponent(encoded)).toBe(text.toWellFormed())
    }),
    { numRuns: propertyRuns(100) },
  )
  expect(trailersOf('INTERNAL', '50 % of \ud800')['grpc-message']).toBe('50 %25 of %EF%BF%BD')
})

test('refusedStatus() has no ids', () => {
  const { trailers } = refusedStatus(refuse('KEY_REQUIRED', 'a key'))
  expect(trailers).toEqual([
    'grpc-status',
    '16',
    'grpc-message',
    'a key',
    'x-sluice-error',
    'KEY_REQUIRED',
  ])
})
