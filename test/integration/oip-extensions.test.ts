/** Triton's extensions through a whole gateway: each that is announced works. */

import { beforeAll, expect, test } from 'vitest'
import type { IndexEntry } from '../../src/control/api/repository-states.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { askUnlessLate } from '../helpers/late-calls.ts'
import { identity, scaleAdd } from '../helpers/models.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { makeRepository } from '../helpers/repository.ts'
import { until } from '../helpers/until.ts'

const REPOSITORY = {
  'scale/1/model.onnx': Buffer.from('garbage'),
  'scale/2/model.onnx': scaleAdd(2),
  'scale/aliases.json': { champion: 2, challenger: 1 },
  'echo/1/model.onnx': identity('FP32'),
  'echo/2/model.onnx': identity('FP32'),
  'echo/3/model.onnx': identity('FP32'),
  'echo/aliases.json': { champion: 1, challenger: 3 },
}

const PATH = '/v2/repository/index'
const ROW = { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] }

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startGateway({ repository: makeRepository(REPOSITORY) })
}, 60_000)

const indexOf = async (body: unknown, path = PATH): Promise<IndexEntry[]> => {
  const response = await askUnlessLate(() => gateway.post(path, body))
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
  return (await response.json()) as IndexEntry[]
}

const isServing = async (): Promise<boolean> => {
  const response = await gateway.post('/v2/models/scale/infer', ROW)
  await response.arrayBuffer()
  return response.status === 200
}

/** What shows of each extension that it works. */
const SHOWN: Readonly<Record<string, () => Promise<void>>> = {
  binary_tensor_data: async () => {
    const head = JSON.stringify({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], parameters: { binary_data_size: 8 } }],
      outputs: [{ name: 'y', parameters: { binary_data: true } }],
    })
    const tensor = Buffer.from(Float32Array.of(3, 4).buffer)
    const length = 'inference-header-content-length'
    const body = Buffer.concat([Buffer.from(head), tensor])
    const response = await gateway.post('/v2/models/echo/infer', body, {
      [length]: String(head.length),
    })
    expect(response.status).toBe(200)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(bytes.subarray(Number(response.headers.get(length)))).toEqual(tensor)
  },
  classification: async () => {
    const outputs = [{ name: 'y', parameters: { classification: 1 } }]
    const response = await gateway.post('/v2/models/echo/infer', { ...ROW, outputs })
    expect(await response.json()).toMatchObject({
      outputs: [
        { name: 'y', datatype: 'BYTES', shape: [1, 1], data: [expect.stringMatching(/:1$/)] },
      ],
    })
  },
  model_configuration: async () => {
    const config = await askUnlessLate(() => fetch(`${gateway.httpUrl}/v2/models/echo/config`))
    expect(await config.json()).toMatchObject({ name: 'echo', backend: 'onnxruntime' })
  },
  // Said to no effect: no model here has dependents. The change itself is refused as above.
  'model_repository(unload_dependents)': async () => {
    const body = { parameters: { unload_dependents: true } }
    const refused = await gateway.post('/v2/repository/models/echo/unload', body)
    expect(refused.status).toBe(403)
    await refused.arrayBuffer()
  },
  schedule_policy: async () => {
    const timed = { ...ROW, parameters: { timeout: 1_000_000, priority: 0 } }
    const taken = await gateway.post('/v2/models/echo/infer', timed)
    expect(taken.status).toBe(200)
    await taken.arrayBuffer()
    const odd = await gateway.post('/v2/models/echo/infer', {
      ...ROW,
      parameters: { priority: 'high' },
    })
    expect(odd.status).toBe(400)
    await odd.arrayBuffer()
  },
  statistics: async () => {
    const stats = await askUnlessLate(() => fetch(`${gateway.httpUrl}/v2/models/echo/stats`))
    const versions = [{ version: '1' }, { version: '3' }].map((one) => ({ name: 'echo', ...one }))
    expect(await stats.json()).toMatchObject({ model_stats: versions })
  },
  // As Triton does without its explicit mode: an index, and no change by request.
  model_repository: async () => {
    expect(await indexOf({ ready: true })).not.toEqual([])
    for (const action of ['load', 'unload']) {
      const refused = await gateway.post(`/v2/repository/models/echo/${action}`, '')
      expect([refused.status, refused.headers.get('x-sluice-error')]).toEqual([403, 'FORBIDDEN'])
      await refused.arrayBuffer()
    }
  },
}

/** A call of each extension that is not there. */
const CALLS: Readonly<Record<string, string>> = {
  trace: '/v2/trace/setting',
  logging: '/v2/logging',
  system_shared_memory: '/v2/systemsharedmemory/status',
  cuda_shared_memory: '/v2/cudasharedmemory/status',
}

test('every extension that is announced works, and what is not announced is not there', async () => {
  const response = await fetch(`${gateway.httpUrl}/v2`)
  const { extensions } = (await response.json()) as { extensions: string[] }
  expect([...extensions].sort()).toEqual(Object.keys(SHOWN).sort())
  for (const name of extensions) await SHOWN[name]!()
  for (const [name, path] of Object.entries(CALLS)) {
    const absent = await fetch(`${gateway.httpUrl}${path}`)
    expect([name, absent.status]).toEqual([name, 501])
    expect(((await absent.json()) as { error: string }).error).toContain(`${name} extension`)
  }
})

test('every version has its state, and what failed its reason, without a path', async () => {
  const entries = await indexOf('')
  const ready = { state: 'READY', reason: '' }
  expect(entries).toEqual([
    { name: 'echo', version: '1', ...ready },
    expect.objectContaining({ name: 'echo', version: '2', state: 'UNAVAILABLE' }),
    { name: 'echo', version: '3', ...ready },
    expect.objectContaining({ name: 'scale', version: '1', state: 'UNAVAILABLE' }),
    { name: 'scale', version: '2', ...ready },
  ])
  expect(entries[1]?.reason).toMatch(/^unloaded/)
  expect(entries[3]?.reason).toMatch(/^MODEL_INVALID: .*is no ONNX model/)
  expect(entries[3]?.reason).not.toContain('/')
})

test('ready leaves what serves, and a repository may be named', async () => {
  const ready = await indexOf({ ready: true })
  expect(ready.map(({ name, version }) => `${name} ${version}`)).toEqual([
    'echo 1',
    'echo 3',
    'scale 2',
  ])
  expect(await indexOf({ ready: false, other: [1, { a: null }] })).toHaveLength(5)
  expect(await indexOf({}, '/v2/repository/mine/index')).toHaveLength(5)
})

test.each([
  ['no JSON', '{"ready": tru}', 400, 'REQUEST_MALFORMED'],
  ['half a body', '{"ready": true', 400, 'REQUEST_MALFORMED'],
  ['another type', '{"ready": "true"}', 400, 'REQUEST_MALFORMED'],
  ['null', '{"ready": null}', 400, 'REQUEST_MALFORMED'],
  ['a list', '[]', 400, 'REQUEST_MALFORMED'],
  ['a key twice', '{"ready": true, "ready": false}', 400, 'DUPLICATE_KEY'],
  ['60,000 lists', '['.repeat(60_000), 400, 'REQUEST_TOO_DEEP'],
  ['10,000 objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 400, 'REQUEST_TOO_DEEP'],
  ['too many blanks', ' '.repeat(70_000), 413, 'BODY_TOO_LARGE'],
])('%s is refused, and everything goes on', async (_, body, status, code) => {
  const response = await gateway.post(PATH, body)
  expect([response.status, response.headers.get('x-sluice-error')]).toEqual([status, code])
  expect(Object.keys((await response.json()) as object)).toEqual(['error'])
  expect(await isServing()).toBe(true)
})

test('many at once are answered or refused at once, and clients that go hurt nobody', async () => {
  const gone = await Promise.all(Array.from({ length: 30 }, () => RawClient.open(gateway.httpPort)))
  const head = `POST ${PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n`
  for (const client of gone) client.socket.write(head, () => client.socket.resetAndDestroy())
  const asked = await Promise.all(
    Array.from({ length: 200 }, () => askUnlessLate(() => gateway.post(PATH, ''))),
  )
  const codes = new Set(asked.map(({ headers }) => headers.get('x-sluice-error')))
  expect([...codes].every((code) => code === null || code === 'CONTROL_BUSY')).toBe(true)
  expect(codes).toContain(null)
  await Promise.all(asked.map((response) => response.arrayBuffer()))
  expect(await indexOf('')).toHaveLength(5)
})

test('without control it says so, predictions go on, and the next control answers', async () => {
  const { stateDir, httpPort, grpcPort, controlPort } = gateway
  await gateway.killControl()
  for (let i = 0; i < 8; i++) {
    const refused = await gateway.post(PATH, '')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    expect(refused.headers.get('x-sluice-error')).toBe('CONTROL_UNREACHABLE')
    const { error } = (await refused.json()) as { error: string }
    expect(error).toMatch(/^Control does not answer/)
    expect(await isServing()).toBe(true)
  }
  const repository = makeRepository(REPOSITORY)
  gateway = await startGateway({ repository, stateDir, httpPort, grpcPort, controlPort })
  const answered = until(async () => (await gateway.post(PATH, '')).status === 200, {
    what: 'an index of the new control',
  })
  expect(await answered).toBe(true)
  expect(await indexOf('')).toHaveLength(5)

  // Told to end while one is asked for, it drains in order.
  const client = await RawClient.open(httpPort)
  const head = `POST ${PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n`
  await client.send(head)
  expect((await client.answer()).status).toBe(200)
  client.socket.write(head)
  const ended = gateway.stop()
  expect([200, 503]).toContain((await client.answer()).status)
  expect(await ended).toEqual({ code: 0, signal: null })
}, 60_000)
