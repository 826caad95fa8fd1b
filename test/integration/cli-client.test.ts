/** The verbs that ask a gateway, beside servers that are none, or are gone. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { type CliResult, sluice, startServer, startSocketServer } from '../helpers/cli.ts'

const VERBS = [['status'], ['status', '--json'], ['models'], ['predict', '-d', '{}']] as const

/** Sentences on stderr, nothing on stdout, and never a stack. */
const expectSentence = (result: CliResult, code: number, sentence: RegExp): void => {
  expect(result.stderr).toMatch(sentence)
  expect(result).toMatchObject({ code, stdout: '' })
  expect(result.stderr).not.toMatch(/^\s+at |node:internal|TypeError/m)
  expect(result.stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(2)
}

/** A URL at which nobody listens. */
const deadUrl = async (): Promise<string> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

test('a verb says that nobody answers, and where', async () => {
  const url = await deadUrl()
  const wanted = new RegExp(`CONTROL_UNREACHABLE: Nobody answers at ${url}: connection refused\n`)
  const results = VERBS.map((verb) => sluice([...verb, '--server', url]))
  for (const result of await Promise.all(results)) expectSentence(result, 4, wanted)
  const ofVariable = await sluice(['status'], { env: { SLUICE_SERVER: `${url}/` } })
  expectSentence(ofVariable, 4, wanted)
})

test('a verb does not wait for ever for a server that is silent', async () => {
  const url = await startSocketServer(null)
  const wanted = new RegExp(`SERVER_TIMEOUT: ${url} did not answer within 0.2 s\n`)
  const results = VERBS.map((verb) => sluice([...verb, '--server', url, '--timeout', '200ms']))
  for (const result of await Promise.all(results)) expectSentence(result, 7, wanted)
})

test('a verb does not wait for ever for an answer that does not end', async () => {
  const url = await startServer((_, response) => void response.write('{"ready": '))
  const result = await sluice(['status', '--server', url, '--timeout', '200ms'])
  expectSentence(result, 7, /SERVER_TIMEOUT/)
})

test.each([
  [
    'HTML',
    200,
    '<html>welcome</html>',
    /answers, but not as Sluice does: no JSON object, but text/,
  ],
  ['an empty object', 200, '{}', /not as Sluice does: its answer lacks '\w+'\n/],
  ['null', 200, 'null', /not as Sluice does: no JSON object/],
  ['a list', 200, '[]', /not as Sluice does: no JSON object/],
  ['nothing', 200, '', /not as Sluice does: no JSON object/],
  ['404', 404, 'gone', /not as Sluice does: 404\n/],
  ['a redirection', 302, '', /not as Sluice does: 302\n/],
  ['a code of nobody', 500, '{"code": "toString"}', /not as Sluice does: 500\n/],
])('a verb says that %s is no answer of Sluice', async (_, status, body, wanted) => {
  const url = await startServer((__, response) => {
    response.writeHead(status, { 'content-type': 'text/html', location: '/' }).end(body)
  })
  const results = VERBS.map((verb) => sluice([...verb, '--server', url]))
  for (const result of await Promise.all(results)) expectSentence(result, 4, wanted)
})

test('a verb passes on what the control server says of itself', async () => {
  const url = await startServer((_, response) => {
    response.writeHead(403).end('{"code": "FORBIDDEN", "detail": "The Host header is foreign"}')
  })
  const result = await sluice(['status', '--server', url])
  expectSentence(result, 5, /^✖ FORBIDDEN: The Host header is foreign\n/)
})

test('a verb says that what answers does not speak HTTP, or hangs up', async () => {
  const odd = await startSocketServer('SSH-2.0-OpenSSH\r\n')
  expectSentence(await sluice(['status', '--server', odd]), 4, /it does not speak HTTP/)
  const rude = await startSocketServer('')
  expectSentence(await sluice(['status', '--server', rude]), 4, /it closed the connection/)
})

test.each([
  ['127.0.0.1:8002', 'http://127.0.0.1:8002'],
  ['nonsense', 'http://nonsense'],
  ['ftp://host:21', 'http://host:21'],
])('--server %s is misuse, and the right form is shown', async (server, hint) => {
  const results = [
    sluice(['status', '--server', server]),
    sluice(['models'], { env: { SLUICE_SERVER: server } }),
  ]
  for (const result of await Promise.all(results)) {
    expectSentence(result, 2, new RegExp(`is invalid. A URL is wanted, such as ${hint}\n`))
  }
})

test('an empty SLUICE_SERVER is none', async () => {
  const url = await deadUrl()
  const env = { SLUICE_SERVER: '' }
  expectSentence(await sluice(['status', '--server', url], { env }), 4, new RegExp(url))
  const { stderr } = await sluice(['status', '--timeout', '1ms'], { env })
  expect(stderr).not.toContain('invalid')
})

/** A control server whose data plane is another server, or none. */
const control = (host: string, port: number): Promise<string> =>
  startServer((_, response) => {
    response.end(JSON.stringify({ version: '', replicas: [], httpHost: host, httpPort: port }))
  })

test('predict says that the replicas do not answer', async () => {
  const port = Number(new URL(await deadUrl()).port)
  const url = await control('127.0.0.1', port)
  const result = await sluice(['predict', '-d', '{}', '--server', url])
  expectSentence(
    result,
    4,
    /^✖ REPLICAS_UNREACHABLE: Nobody answers at http:\/\/127.0.0.1:\d+: conn/,
  )
})

test('predict finds a data plane on IPv6, and sends the body as it is', async () => {
  let received = ''
  const data = await startServer((request, response) => {
    request.on('data', (chunk) => {
      received += chunk
    })
    request.on('end', () => response.end('{"score": 1}'))
  }, '::1')
  const url = await control('::1', Number(new URL(data).port))
  const row = '{"a": 9007199254740993, "a": 1e400}'
  const result = await sluice(['predict', 'm', '-d', '-', '--server', url], { stdin: row })
  expect(result).toMatchObject({ code: 0, stdout: '{"score": 1}\n', stderr: '' })
  expect(received).toBe(`{"features":${row}}`)
})

test('predict ends with a sentence when a refusal is not JSON', async () => {
  const data = await startServer((_, response) => void response.writeHead(404).end('<html>'))
  const url = await control('127.0.0.1', Number(new URL(data).port))
  const result = await sluice(['predict', '-d', '{}', '--server', url])
  expect(result).toMatchObject({ code: 3, stdout: '<html>\n' })
  expect(result.stderr).toBe('✖ 404: the answer says no more\n')
})

test('predict says which file it cannot read', async () => {
  const results = await Promise.all([
    sluice(['predict', '-d', '@gone.json']),
    sluice(['predict', '-d', '@/']),
  ])
  expectSentence(results[0], 3, /^✖ Cannot read gone.json: no such file\n$/)
  expectSentence(results[1], 3, /^✖ Cannot read \/: it is a folder\n$/)
})

test('a fault of Sluice itself is one line, and its stack can be asked for', async () => {
  const version = { version: 1, state: 'unheard-of', aliases: [], code: null, reason: null }
  const more = { signature: { inputs: 7 }, batching: null, runUs: null, memoryBytes: null }
  const document = { models: [{ name: 'm', versions: [{ ...version, ...more, warnings: [] }] }] }
  const url = await startServer((_, response) => void response.end(JSON.stringify(document)))
  const result = await sluice(['models', '--server', url])
  expect(result).toMatchObject({ code: 1, stdout: '' })
  expect(result.stderr).toMatch(/^✖ INTERNAL: A fault of Sluice .+: TypeError: .+\n$/)
  const env = { NODE_DEBUG: 'sluice' }
  expect((await sluice(['models', '--server', url], { env })).stderr).toMatch(/^\s+at /m)
})
