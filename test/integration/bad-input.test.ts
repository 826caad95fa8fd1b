/** Everything a client may get wrong, against whole gateways on both HTTP engines. */

import { connect } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'

const LIMITS = {
  SLUICE_LIMITS__BODY_BYTES_MAX: '4096',
  SLUICE_LIMITS__BODY_BYTES_IN_FLIGHT_MAX: '65536',
}
const OIP = '/v2/models/flight-delay/infer'
const NUMERIC = { name: 'numeric', datatype: 'FP32', shape: [1, 13], data: new Array(13).fill(1) }
const TEXT = {
  name: 'categorical',
  datatype: 'BYTES',
  shape: [1, 4],
  data: ['EWR', 'IAH', 'UA', 'Tue'],
}
/** Whatever may be left out is there: no tensor of JSON can say that a value is missing. */
const COMPLETE = { ...FLIGHT, wind_gust: 20.5, origin_delay: 3, origin_overdue: 1 }
const body = (more: object) => JSON.stringify({ features: { ...FLIGHT, ...more } })
const oip = (numeric: object, text: object = {}) =>
  JSON.stringify({
    inputs: [
      { ...NUMERIC, ...numeric },
      { ...TEXT, ...text },
    ],
  })
const seats = (text: string) => body({}).replace(/"seats":\d+/, `"seats":${text}`)
const raw = (text: string) => JSON.stringify({ features: FLIGHT }).replace('}}', `,${text}}}`)

/** path, body, status, code */
const REFUSED: readonly (readonly [string, string, string, number, string])[] = [
  ['an empty body', '/predict', '', 400, 'REQUEST_MALFORMED'],
  ['garbage', '/predict', '\u0001\u0002', 400, 'REQUEST_MALFORMED'],
  ['a truncated body', '/predict', body({}).slice(0, -9), 400, 'REQUEST_MALFORMED'],
  ['more after the value', '/predict', `${body({})}x`, 400, 'REQUEST_MALFORMED'],
  ['a list', '/predict', '[1]', 400, 'REQUEST_MALFORMED'],
  ['no features', '/predict', '{}', 400, 'REQUEST_MALFORMED'],
  ['both forms', '/predict', '{"features":{},"instances":[]}', 400, 'REQUEST_MALFORMED'],
  ['no instance', '/predict', '{"instances":[]}', 400, 'REQUEST_MALFORMED'],
  ['depth', '/predict', `{"features":${'['.repeat(200)}`, 400, 'REQUEST_TOO_DEEP'],
  ['a NaN token', '/predict', raw('"seats":NaN'), 400, 'REQUEST_MALFORMED'],
  ['an Infinity token', '/predict', raw('"x":-Infinity'), 400, 'REQUEST_MALFORMED'],
  ['a duplicate key', '/predict', raw('"seats":1'), 400, 'DUPLICATE_KEY'],
  ['a number beyond doubles', '/predict', seats('1e999'), 400, 'INPUT_VALUE_INVALID'],
  ['a fraction for an integer', '/predict', seats('149.5'), 400, 'TENSOR_DATATYPE_MISMATCH'],
  ['nearly an integer', '/predict', seats('1e-400'), 400, 'TENSOR_DATATYPE_MISMATCH'],
  ['a number beyond FP32', '/predict', body({ seats: 1e39 }), 400, 'INPUT_VALUE_INVALID'],
  [
    'an empty string for a number',
    '/predict',
    body({ seats: '' }),
    400,
    'TENSOR_DATATYPE_MISMATCH',
  ],
  ['a number for a category', '/predict', body({ origin: 7 }), 400, 'TENSOR_DATATYPE_MISMATCH'],
  ['a list for a number', '/predict', body({ seats: [1] }), 400, 'TENSOR_DATATYPE_MISMATCH'],
  ['NUL in text', '/predict', body({ origin: 'E\0R' }), 400, 'INPUT_VALUE_INVALID'],
  ['half a surrogate pair', '/predict', raw('"x":"\\ud800"'), 400, 'INPUT_VALUE_INVALID'],
  [
    'a long request id',
    '/predict',
    `{"request_id":"${'x'.repeat(129)}"}`,
    400,
    'REQUEST_MALFORMED',
  ],
  ['__proto__', '/predict', raw('"__proto__":{"seats":1}'), 400, 'INPUT_UNKNOWN'],
  ['a misspelt name', '/predict', body({ seat: 1 }), 400, 'INPUT_UNKNOWN'],
  ['a null category', '/predict', body({ origin: null }), 400, 'INPUT_MISSING'],
  ['too few values', '/predict', '{"features":[1,2]}', 400, 'TENSOR_SHAPE_MISMATCH'],
  ['an unknown endpoint', '/predict/nosuch', body({}), 404, 'ENDPOINT_NOT_FOUND'],
  ['a traversal', '/predict/..%2f..%2fetc', body({}), 404, 'ENDPOINT_NOT_FOUND'],
  ['an unknown path', '/nosuch', body({}), 404, 'ROUTE_NOT_FOUND'],
  ['a large body', '/predict', body({ origin: 'x'.repeat(5000) }), 413, 'BODY_TOO_LARGE'],
  ['another shape', OIP, oip({ shape: [1, 12] }), 400, 'TENSOR_SHAPE_MISMATCH'],
  ['too little data', OIP, oip({ data: [1] }), 400, 'TENSOR_SHAPE_MISMATCH'],
  ['too much data', OIP, oip({ data: new Array(14).fill(1) }), 400, 'TENSOR_SHAPE_MISMATCH'],
  ['an overflowing product', OIP, oip({ shape: [4294967296, 13] }), 400, 'TENSOR_SHAPE_MISMATCH'],
  ['a huge shape', OIP, oip({ shape: [99999999, 13] }), 400, 'TENSOR_SHAPE_MISMATCH'],
  ['a negative shape', OIP, oip({ shape: [-1, 13] }), 400, 'TENSOR_SHAPE_MISMATCH'],
  [
    'no row',
    OIP,
    oip({ shape: [0, 13], data: [] }, { shape: [0, 4], data: [] }),
    400,
    'TENSOR_SHAPE_MISMATCH',
  ],
  [
    'unequal rows',
    OIP,
    oip({ shape: [2, 13], data: new Array(26).fill(1) }),
    400,
    'TENSOR_SHAPE_MISMATCH',
  ],
  ['another datatype', OIP, oip({ datatype: 'FP64' }), 400, 'TENSOR_DATATYPE_MISMATCH'],
  ['text in numbers', OIP, oip({ data: new Array(13).fill('1') }), 400, 'TENSOR_DATATYPE_MISMATCH'],
  ['a missing input', OIP, JSON.stringify({ inputs: [NUMERIC] }), 400, 'INPUT_MISSING'],
  ['an unknown input', OIP, oip({ name: 'numerics' }), 400, 'INPUT_UNKNOWN'],
  ['an unknown model', '/v2/models/nosuch/infer', oip({}), 404, 'MODEL_NOT_FOUND'],
  ['version 0', '/v2/models/flight-delay/versions/0/infer', oip({}), 404, 'VERSION_NOT_FOUND'],
  [
    'a version in letters',
    '/v2/models/flight-delay/versions/one/infer',
    oip({}),
    404,
    'VERSION_NOT_FOUND',
  ],
  [
    'a version that is not there',
    '/v2/models/flight-delay/versions/9/infer',
    oip({}),
    404,
    'VERSION_NOT_FOUND',
  ],
  ['a load by request', '/v2/repository/models/flight-delay/load', '{}', 403, 'FORBIDDEN'],
]

describe.each(['uws', 'node'])('on %s', (engine) => {
  let gateway: TestGateway
  beforeAll(async () => {
    const flags = ['--http', engine]
    gateway = await startGateway({ repository: EXAMPLE_REPOSITORY, flags, env: LIMITS })
  })

  const expectGood = async () => {
    const good = await gateway.post('/predict', { features: FLIGHT })
    expect(good.status).toBe(200)
    expect(await good.json()).toMatchObject({
      score: expect.any(Number),
      prediction: expect.any(Number),
    })
  }

  test.each(REFUSED)(
    '%s is refused and the next request answered',
    async (_, path, text, status, code) => {
      const response = await gateway.post(path, text)
      const answer = await response.text()
      expect([response.status, response.headers.get('x-sluice-error')]).toEqual([status, code])
      expect(answer).not.toMatch(/\/home|\/src\/|\.ts:|node_modules/)
      const isOip = path.startsWith('/v2')
      expect(JSON.parse(answer)).toMatchObject(
        isOip ? { error: expect.any(String) } : { code, status },
      )
      await expectGood()
    },
  )

  test('a wrong method is 405 with the right one', async () => {
    const response = await fetch(`${gateway.httpUrl}/predict`)
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
  })

  test('a body in an unknown encoding is 415', async () => {
    const response = await gateway.post('/predict', '{}', { 'content-encoding': 'br' })
    expect(response.headers.get('x-sluice-error')).toBe('ENCODING_UNSUPPORTED')
    await expectGood()
  })

  test('an id that could split the answer is not echoed', async () => {
    const odd = await gateway.post('/predict', { features: FLIGHT }, { 'x-request-id': 'a b"c' })
    expect(odd.headers.get('x-request-id')).toMatch(/^[a-z0-9]{6}\.\d\.\d-\d+-\d+$/)
    const plain = await gateway.post('/predict', { features: FLIGHT }, { 'x-request-id': 'id-1' })
    expect(plain.headers.get('x-request-id')).toBe('id-1')
    expect(await plain.json()).toMatchObject({ metadata: { request_id: 'id-1' } })
  })

  test('clients that leave at any byte hurt nobody', async () => {
    const text = body({})
    const request = `POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: ${text.length}\r\n\r\n${text}`
    const leave = (bytes: number) =>
      new Promise<void>((resolve) => {
        const socket = connect(gateway.httpPort, '127.0.0.1', () => {
          socket.write(request.slice(0, bytes), () => socket.resetAndDestroy())
        })
        socket.once('close', () => resolve())
        socket.once('error', () => {})
      })
    for (let bytes = 1; bytes <= request.length; bytes += 7) await leave(bytes)
    await leave(request.length)
    await expectGood()
  })

  test('explained answers say where the time went', async () => {
    const response = await gateway.post(
      '/predict',
      { features: FLIGHT },
      { 'x-sluice-explain': '1' },
    )
    expect(response.headers.get('server-timing')).toMatch(
      /^body;dur=[\d.]+, decode;dur=[\d.]+, queue;dur=[\d.]+, infer;dur=[\d.]+;desc="batch \d+", total;dur=[\d.]+$/,
    )
  })

  test('features, instances, rows of TensorFlow and the Open Inference Protocol agree', async () => {
    const ask = async (path: string, body: object) => {
      const response = await gateway.post(path, body)
      expect(response.status).toBe(200)
      return (await response.json()) as Record<string, unknown>
    }
    const values = Object.values(COMPLETE)
    const [categorical, numeric] = [values.slice(0, 4), values.slice(4)]
    const { score } = await ask('/predict', { features: COMPLETE })
    expect(score).toEqual(expect.any(Number))
    expect(await ask('/predict', { features: values })).toMatchObject({ score })
    expect(await ask('/predict', { instances: [COMPLETE, values] })).toMatchObject({
      predictions: [{ score }, { score }],
    })
    const rows = { instances: [{ numeric, categorical }] }
    expect(await ask('/v1/models/flight-delay:predict', rows)).toMatchObject({
      predictions: [{ probabilities: [expect.any(Number), score] }],
    })
    const inputs = [
      { ...NUMERIC, data: numeric },
      { ...TEXT, data: categorical },
    ]
    expect(await ask(OIP, { inputs, outputs: [{ name: 'probabilities' }] })).toMatchObject({
      outputs: [{ name: 'probabilities', data: [expect.any(Number), score] }],
    })
  })
})
