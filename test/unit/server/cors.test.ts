import { expect, test } from 'vitest'
import { createCors } from '../../../src/server/cors.ts'

const linesOf = (lines: string): Record<string, string> =>
  Object.fromEntries(
    lines
      .split('\r\n')
      .slice(1)
      .map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
  )

const A = 'https://a.example'

test('createCors() is off without origins', () => {
  expect(createCors([])).toBeNull()
})

test.each([
  // origins, origin of the page, what is allowed, vary
  [[A], A, A, 'origin'],
  [[A, 'https://b.example'], 'https://b.example', 'https://b.example', 'origin'],
  [[A], '', undefined, 'origin'],
  [[A], 'https://c.example', undefined, 'origin'],
  [[A], 'https://a.example.evil.example', undefined, 'origin'],
  [[A], 'https://A.example', undefined, 'origin'],
  [[A], 'http://a.example', undefined, 'origin'],
  [[A], `${A}:8443`, undefined, 'origin'],
  [[A], `${A}/`, undefined, 'origin'],
  [[A], `${A}, ${A}`, undefined, 'origin'],
  [[A], 'null', undefined, 'origin'],
  [[A], '*', undefined, 'origin'],
  [['*'], 'https://c.example', '*', undefined],
  [['*'], 'null', '*', undefined],
  [['*'], '', undefined, undefined],
] as const)('createCors() of %j answers pages of %j: %j', (origins, origin, allowed, vary) => {
  const cors = createCors(origins)!
  for (const [method, preflight] of [
    ['GET', ''],
    ['OPTIONS', ''],
    ['OPTIONS', 'POST'],
  ] as const) {
    const { lines, isPreflight } = cors(method, origin, preflight)
    const found = linesOf(lines)
    expect(found['access-control-allow-origin']).toBe(allowed)
    expect(found['vary']).toBe(vary)
    expect(isPreflight).toBe(preflight !== '' && allowed !== undefined)
    expect(lines).not.toContain('credentials')
  }
})

test('createCors() says what pages may read, and send where they ask', () => {
  const cors = createCors(['*'])!
  const answer = linesOf(cors('GET', A, '').lines)
  expect(answer['access-control-expose-headers']).toContain('x-request-id')
  expect(answer['access-control-allow-methods']).toBeUndefined()
  expect(linesOf(cors('OPTIONS', A, 'DELETE').lines)).toEqual({
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, HEAD, POST',
    'access-control-allow-headers': expect.stringContaining('content-type'),
    'access-control-max-age': '600',
  })
})

test('createCors() adds to answers to POST only what their page needs', () => {
  const cors = createCors([A])!
  expect(cors('POST', '', 'POST')).toEqual({ lines: '', isPreflight: false })
  const answer = cors('POST', A, 'POST')
  expect(answer.isPreflight).toBe(false)
  expect(linesOf(answer.lines)).toMatchObject({ 'access-control-allow-origin': A, vary: 'origin' })
  expect(linesOf(cors('POST', 'https://b.example', '').lines)).toEqual({ vary: 'origin' })
})
