/** What the suites of the HTTP engines start from: an engine, its requests, its budget. */

import { expect } from 'vitest'
import type { Gate } from '../../../src/server/access.ts'
import type { HttpEngine, HttpEngineOptions, HttpExchange } from '../../../src/server/exchange.ts'
import { createHttpEngine } from '../../../src/server/http.ts'
import type { Refusal } from '../../../src/shared/errors.ts'
import { makeCertificate } from '../certificates.ts'
import { atEnd } from '../clean-up.ts'
import { RawClient } from '../raw-client.ts'
import { makeTempDir } from '../temp-dir.ts'

export type PlainKind = 'uws' | 'node'
export type EngineKind = PlainKind | 'uws over TLS' | 'node over TLS'

/** One for all tests: making one takes a moment. */
const PAIR = makeCertificate()

export interface SeenRequest {
  readonly exchange: HttpExchange
  readonly body: string
  readonly refusal: Refusal | null
}

export interface Harness {
  readonly engine: HttpEngine
  readonly port: number
  readonly seen: SeenRequest[]
  readonly budget: { takenBytes: number; peakBytes: number }
  readonly connections: { open: number }
  /** Clients that went before their request was complete. */
  readonly aborted: { count: number }
  client(host?: string): Promise<RawClient>
  /** One that does not speak TLS. */
  plainClient(): Promise<RawClient>
}

export const BODY_BYTES_MAX = 1000
export const HEADER_BYTES_MAX = 16_384
const BUDGET_BYTES = 64 * 1024
const UNSENT_BYTES_MAX = 64 * 1024 * 1024

/** `/held` is left to the test; `/fixed` tells nothing of the request; the rest is an echo. */
const answer = ({ exchange, body, refusal }: SeenRequest): void => {
  if (exchange.path === '/held') return
  if (refusal !== null) {
    const status = refusal.code === 'BODY_TOO_LARGE' ? '413 Content Too Large' : '503 Unavailable'
    exchange.reply(`${status}\r\nx-sluice-error: ${refusal.code}`, refusal.code)
    return
  }
  const text = exchange.path === '/fixed' ? 'fixed' : body || 'nothing'
  exchange.reply(`200 OK\r\ncontent-type: text/plain\r\nx-path: ${exchange.path}`, text)
}

/** Nobody is asked for a key. */
export const OPEN_GATE: Gate = { isClosed: false, admit: () => null }

export const startEngine = async (
  kind: EngineKind,
  overrides: Partial<HttpEngineOptions> = {},
  wantedPort = 0,
  create: (options: HttpEngineOptions) => HttpEngine = (all) =>
    createHttpEngine(kind.startsWith('uws') ? 'uws' : 'node', all),
  host = '127.0.0.1',
): Promise<Harness> => {
  const isTls = kind.endsWith('TLS')
  const seen: SeenRequest[] = []
  const budget = { takenBytes: 0, peakBytes: 0 }
  const connections = { open: 0 }
  const aborted = { count: 0 }
  const engine = create({
    bodyBytesMax: BODY_BYTES_MAX,
    headerBytesMax: HEADER_BYTES_MAX,
    unsentBytesMax: UNSENT_BYTES_MAX,
    gate: OPEN_GATE,
    isTls,
    keyFolder: isTls ? makeTempDir('tls') : '',
    cors: null,
    traces: null,
    takeBodyBytes: (bytes) => {
      if (bytes > 0 && budget.takenBytes + bytes > BUDGET_BYTES) return false
      budget.takenBytes += bytes
      budget.peakBytes = Math.max(budget.peakBytes, budget.takenBytes)
      return true
    },
    onConnections: (delta) => {
      connections.open += delta
    },
    onAborted: () => {
      aborted.count++
    },
    onRequest: (exchange, body, refusal) => {
      const request = { exchange, body: Buffer.from(body).toString('latin1'), refusal }
      seen.push(request)
      answer(request)
    },
    ...overrides,
  })
  atEnd(() => engine.close())
  // Otherwise a missing binary would let both suites test the same engine.
  expect(engine.name).toBe(kind.split(' ')[0])
  if (isTls) engine.secure({ ...PAIR, minVersion: 'TLSv1.2', clientCa: null })
  const port = await engine.listen(host, wantedPort)
  const client = (to?: string) => RawClient.open(port, isTls, to)
  const plainClient = () => RawClient.open(port)
  return { engine, port, seen, budget, connections, aborted, client, plainClient }
}

export const post = (path: string, body: string, ...lines: string[]): string =>
  [
    `POST ${path} HTTP/1.1`,
    'host: gateway',
    `content-length: ${Buffer.byteLength(body)}`,
    ...lines,
    '',
    body,
  ].join('\r\n')

export const get = (path: string, ...lines: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'host: gateway', ...lines, '', ''].join('\r\n')

/** `path` with the pieces as chunks. */
export const postChunked = (path: string, ...pieces: string[]): string =>
  [
    `POST ${path} HTTP/1.1\r\nhost: gateway\r\ntransfer-encoding: chunked\r\n\r\n`,
    ...pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`),
    '0\r\n\r\n',
  ].join('')

/** The server is as good as new: it answers a good request on a new connection. */
export const expectAlive = async (harness: Harness): Promise<void> => {
  const client = await harness.client()
  await client.send(post('/alive', 'yes'))
  expect(await client.answer()).toMatchObject({ status: 200, body: 'yes' })
  client.socket.destroy()
  await client.closed
}
