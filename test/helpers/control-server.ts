/** The HTTP servers of control with made-up sources, asked byte by byte. */

import { expect } from 'vitest'
import type { ListenAddress } from '../../src/config/config.ts'
import type { AdminSources, ControlServer } from '../../src/control/api/admin-api.ts'
import { OPENAPI } from '../../src/control/api/admin-openapi.ts'
import type { ModelsDocument, StatusDocument } from '../../src/control/api/status-document.ts'
import type { RestartStatus } from '../../src/control/replicas/rolling-restart.ts'
import { ERRORS, type ErrorCode } from '../../src/shared/errors.ts'
import { atEnd } from './clean-up.ts'
import { type RawAnswer, RawClient } from './raw-client.ts'

export const HOST = '127.0.0.1'
export const STATUS = { gateway: 'abc', ready: true } as unknown as StatusDocument
export const MODELS: ModelsDocument = { models: [] }
export const RESTART: RestartStatus = {
  ...({ number: 1, state: 'running', replicas: 2, replaced: 0, fault: null } as const),
  ...{ startedAt: '2025-01-01T00:00:00.000Z', endedAt: null },
}

interface Question {
  readonly method?: string
  readonly host?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A server that listens, and what `onFault` was told. */
export const startControlServer = async (
  create: (address: ListenAddress, sources: AdminSources) => ControlServer,
  more: Partial<AdminSources> = {},
) => {
  const faults: { thrown: unknown; path: string }[] = []
  const server = create(
    { host: HOST, port: 0 },
    {
      status: async () => STATUS,
      models: async () => MODELS,
      restart: () => RESTART,
      metrics: async (format) => `# in ${format}\n`,
      readiness: () => ({ endpoints: null }),
      onFault: (thrown, path) => faults.push({ thrown, path }),
      ...more,
    },
  )
  const { port } = await server.listen()
  atEnd(() => server.close())
  const ask = async (target: string, question: Question = {}): Promise<RawAnswer> => {
    const { method = 'GET', host = `${HOST}:${port}`, headers = {}, body } = question
    const client = await RawClient.open(port)
    const isChunked = 'transfer-encoding' in headers
    const length = body === undefined || isChunked ? {} : { 'content-length': body.length }
    const lines = Object.entries({ host, ...length, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    await client.send(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, body ?? '')
    const answer = await client.answer(method === 'HEAD')
    client.socket.destroy()
    return answer
  }
  return { port, ask, faults }
}

/** What a refusal must be, whatever was asked. */
export const expectProblem = (
  { status, headers, body }: RawAnswer,
  code: ErrorCode,
  wanted: number = ERRORS[code].http,
): void => {
  expect([status, headers.get('x-sluice-error')]).toEqual([wanted, code])
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  const problem = JSON.parse(body)
  expect(Object.keys(problem)).toEqual(Object.keys(OPENAPI.components.schemas.Problem.properties))
  expect(problem).toMatchObject({ status, code, retryable: ERRORS[code].retryable })
  expect(problem.type).toBe('about:blank')
  expect(problem.title).not.toBe('Error')
}
