import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ResponseStream } from '../../../../bench/load/response-stream.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const collect = () => {
  const seen: [number, string][] = []
  const stream = new ResponseStream((status, _head, body) => seen.push([status, body]))
  return { seen, stream }
}

const answer = (status: number, body: string): string =>
  `HTTP/1.1 ${status} Some Words\r\nX-Id: 1\r\nContent-Length: ${body.length}\r\n\r\n${body}`

test('feed() gives status and body of each answer, however the bytes are cut', () => {
  const bodies = fc.array(
    fc.tuple(fc.constantFrom(200, 404, 500), fc.string({ unit: 'binary-ascii' })),
  )
  fc.assert(
    fc.property(bodies, fc.integer({ min: 1, max: 40 }), (answers, cut) => {
      const bytes = Buffer.from(answers.map(([status, body]) => answer(status, body)).join(''))
      const { seen, stream } = collect()
      for (let at = 0; at < bytes.length; at += cut) stream.feed(bytes.subarray(at, at + cut))
      expect(seen).toEqual(answers)
    }),
    { numRuns: propertyRuns(100) },
  )
})

test('feed() counts a body in bytes, not in characters', () => {
  const { seen, stream } = collect()
  stream.feed(Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\né${answer(204, '')}`))
  expect(seen.map(([status]) => status)).toEqual([200, 204])
})

test('feed() throws at an answer without content-length', () => {
  const { stream } = collect()
  const chunked = Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n')
  expect(() => stream.feed(chunked)).toThrow('without content-length')
})
