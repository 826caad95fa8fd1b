import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PredictionBytes } from '../../../../../src/server/protocols/features/prediction-bytes.ts'

const TAIL = '","model":"ä","version":2,"variant":"v2","latency_ms":'

const expected = (score: string, prediction: string, id: string, us: number): string =>
  `{"score":${score},"prediction":${prediction},` +
  `"metadata":{"request_id":"${id}","prediction_id":"${id}${TAIL}${(us / 1000).toFixed(3)}}}`

const scores = fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)
const labels = fc.oneof(
  fc.integer().map(String),
  fc.string({ maxLength: 40 }).map((label) => JSON.stringify(label)),
)
const latencies = fc.oneof(fc.nat({ max: 20_000 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }))

test('write() writes what a text would be, one answer after the other', () => {
  const answer = fc.tuple(scores, labels, fc.integer({ min: 1, max: 10 ** 9 }), latencies)
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1, maxLength: 5 }), (answers) => {
      const body = new PredictionBytes(TAIL)
      for (const [score, prediction, sequence, us] of answers) {
        const idPrefix = 'gw.0.1-7-'
        const bytes = body.write({ score, prediction }, { idPrefix, sequence }, us)
        expect(Buffer.from(bytes ?? []).toString()).toBe(
          expected(score, prediction, `${idPrefix}${sequence}`, us),
        )
      }
    }),
  )
})

test.each([
  ['text that is not ASCII', '"ä"', 0],
  ['a label that is longer than its room', JSON.stringify('x'.repeat(300)), 0],
  ['a latency of more than half an hour', '1', 2 ** 31],
])('write() leaves %s to others', (_, prediction, us) => {
  const body = new PredictionBytes(TAIL)
  const id = { idPrefix: 'gw-', sequence: 1 }
  expect(body.write({ score: '1', prediction }, id, us)).toBeNull()
  expect(body.write({ score: '1', prediction: '1' }, id, 5)).not.toBeNull()
})
