/** Compressed bodies, HEAD, OPTIONS and pages of browsers, over whole gateways on both engines. */

import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { identity } from '../helpers/models.ts'
import { outcomeOf, RawClient } from '../helpers/raw-client.ts'
import { makeRepository } from '../helpers/repository.ts'
import { get } from '../helpers/suites/http-engine-harness.ts'

const PAGE = 'https://app.example.com'
const INFER = '/v2/models/m/infer'
const ROWS = 200

const data = Array.from({ length: 2 * ROWS }, (_, i) => i / 8)
const request = JSON.stringify({
  inputs: [{ name: 'x', shape: [ROWS, 2], datatype: 'FP32', data }],
})

const CODINGS = [
  ['gzip', gzipSync, gunzipSync],
  ['deflate', deflateSync, inflateSync],
] as const

describe.each(['uws', 'node'])('on %s', (engine) => {
  let gateway: TestGateway
  beforeAll(async () => {
    const repository = makeRepository({ 'm/1/model.onnx': identity('FP32') })
    const env = { SLUICE_CORS__ORIGINS: `["${PAGE}"]` }
    gateway = await startGateway({ repository, flags: ['--http', engine], env })
  })

  const expectGood = async () => {
    const response = await gateway.post('/predict', { features: [1, 2] })
    expect(await response.json()).toMatchObject({ outputs: { y: [1, 2] } })
  }

  test.each(CODINGS)(
    'a body in %s is read, and its answer is in it',
    async (name, pack, unpack) => {
      const body = pack(request)
      const client = await RawClient.open(gateway.httpPort)
      const head = [
        `POST ${INFER} HTTP/1.1`,
        ...['host: a', `content-encoding: ${name}`, `accept-encoding: ${name}`],
        `content-length: ${body.length}`,
      ]
      client.socket.write(`${head.join('\r\n')}\r\n\r\n`)
      client.socket.write(body)
      const { status, headers, bytes } = await client.answer()
      expect([status, headers.get('content-encoding')]).toEqual([200, name])
      const answer = JSON.parse(unpack(bytes).toString())
      expect(answer.outputs[0].data).toEqual(data)
    },
  )

  test('what inflates to far more than itself is refused, and the next request answered', async () => {
    for (const [name, pack] of CODINGS) {
      const bomb = pack(new Uint8Array(32 * 1024 * 1024))
      for (const path of [INFER, '/predict']) {
        const response = await gateway.post(path, bomb, { 'content-encoding': name })
        const code = response.headers.get('x-sluice-error')
        expect([response.status, code]).toEqual([413, 'ENCODING_RATIO_EXCEEDED'])
      }
      const damaged = pack(request).subarray(0, -1)
      const response = await gateway.post(INFER, damaged, { 'content-encoding': name })
      expect(response.status).toBe(400)
      expect(await response.json()).toEqual({ error: expect.stringContaining(name) })
    }
    await expectGood()
  })

  test.each(['/v2', '/v2/models/m', '/readyz', '/nosuch'])(
    'HEAD %s has the status and length of GET',
    async (path) => {
      const got = await fetch(gateway.httpUrl + path)
      const length = (await got.arrayBuffer()).byteLength
      const message = get(path).replace('GET', 'HEAD')
      const { statuses, text } = await outcomeOf(gateway.httpPort, message)
      expect(statuses).toEqual([got.status])
      expect(text.toLowerCase()).toContain(`content-length: ${length}\r\n`)
      expect(text.endsWith('\r\n\r\n')).toBe(true)
    },
  )

  test('OPTIONS names the methods of a path', async () => {
    for (const [path, allow] of [
      ['/predict', 'POST, OPTIONS'],
      ['/v2', 'GET, HEAD, OPTIONS'],
    ] as const) {
      const response = await fetch(gateway.httpUrl + path, { method: 'OPTIONS' })
      expect([response.status, response.headers.get('allow')]).toEqual([204, allow])
      expect(response.headers.get('content-length')).toBeNull()
    }
  })

  test('pages of a listed origin may ask, send and read; others may not', async () => {
    const ask = (origin: string) =>
      fetch(`${gateway.httpUrl}/predict`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      })
    const granted = await ask(PAGE)
    expect(granted.status).toBe(204)
    expect(granted.headers.get('access-control-allow-origin')).toBe(PAGE)
    expect(granted.headers.get('access-control-allow-headers')).toContain('content-type')
    const answers = [
      await gateway.post('/predict', { features: [1, 2] }, { origin: PAGE }),
      await gateway.post('/predict', 'garbage', { origin: PAGE }),
      await fetch(`${gateway.httpUrl}/v2`, { headers: { origin: PAGE } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 200])
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe(PAGE)
      expect(headers.get('vary')).toBe('origin')
    }
    const stranger = await ask('https://evil.example')
    expect(stranger.headers.get('access-control-allow-origin')).toBeNull()
    expect(stranger.headers.get('access-control-allow-methods')).toBeNull()
  })
})
