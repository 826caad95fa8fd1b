import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Access, admitKey, denialOf, grantOf, isDenied } from '../../../src/server/access.ts'
import { KeySlots } from '../../../src/server/key-slots.ts'
import type { PlannedKey } from '../../../src/shared/access-plan.ts'
import { refuse } from '../../../src/shared/errors.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath } from '../../helpers/request-path.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const SECOND_NS = 1_000_000_000n

const planned = (key: string, more: Partial<PlannedKey> = {}): PlannedKey => ({
  name: key,
  sha256: createHash('sha256').update(key).digest('hex'),
  endpoints: null,
  priority: 0,
  rate: null,
  ...more,
})

const makeAccess = (...keys: PlannedKey[]) => {
  const slots = new KeySlots()
  const at = { nowNs: SECOND_NS, defaultEndpoint: null as string | null }
  const access = new Access({
    processNs: () => at.nowNs,
    defaultEndpoint: () => at.defaultEndpoint,
  })
  const use = (...all: PlannedKey[]) => access.use(all, slots.words, slots.assign(all))
  use(...keys)
  const ask = (path: string, key = '') => {
    const answer = access.admit(path, '', key)
    if (answer === null) return 'open'
    return 'code' in answer ? answer.code : 'granted'
  }
  return { access, at, use, ask }
}

test('isClosed is false without keys', () => {
  const { access, use } = makeAccess()
  expect(access.isClosed).toBe(false)
  use(planned('k'))
  expect(access.isClosed).toBe(true)
  use()
  expect(access.isClosed).toBe(false)
})

test('grantOf() and denialOf() part what admit() says', () => {
  const { access } = makeAccess(planned('k'))
  const parts = (path: string, key: string) => {
    const admitted = access.admit(path, '', key)
    return [grantOf(admitted)?.priority, denialOf(admitted)?.code]
  }
  expect(parts('/predict', 'k')).toEqual([0, undefined])
  expect(parts('/predict', '')).toEqual([undefined, 'KEY_REQUIRED'])
  expect(parts('/livez', '')).toEqual([undefined, undefined])
})

test.each([
  ['Bearer k', '', true],
  ['bearer k', '', true],
  ['BEARER   k', '', true],
  ['', 'k', true],
  ['Basic azo=', 'k', true],
  ['Bearer other', 'k', false],
  ['Bearer', '', false],
  ['k', '', false],
  ['Bearer k ', '', false],
  ['', '', false],
])('admit() takes authorization %j and x-api-key %j: %s', (authorization, apiKey, isTaken) => {
  const answer = makeAccess(planned('k')).access.admit('/predict/m', authorization, apiKey)
  expect(answer !== null && 'code' in answer ? answer.code : null).toBe(
    isTaken ? null : 'KEY_REQUIRED',
  )
})

test('admit() asks for the right to the endpoint of the path', () => {
  const { ask } = makeAccess(planned('a', { endpoints: ['a'] }), planned('all'))
  const paths = ['/predict/a', '/v2/models/a/infer', '/v1/models/a:predict', '/v2/models/a/ready']
  for (const path of paths) {
    expect([ask(path), ask(path, 'no'), ask(path, 'a'), ask(path, 'all')]).toEqual([
      ...['KEY_REQUIRED', 'KEY_REQUIRED', 'granted', 'granted'],
    ])
    expect(ask(path.replace('/a', '/b'), 'a')).toBe('FORBIDDEN')
  }
  for (const path of ['/v2/models', '/openapi.json', '/v2/repository/index', '/nowhere']) {
    expect([ask(path, 'a'), ask(path, 'all')]).toEqual(['FORBIDDEN', 'granted'])
  }
  expect([ask('/livez'), ask('/v2/health/ready', 'no')]).toEqual(['open', 'open'])
})

test('admit() lets every key send feedback, and nobody without one', () => {
  const { ask } = makeAccess(planned('a', { endpoints: ['a'] }), planned('all'))
  const asked = ['a', 'all', '', 'other'].map((key) => ask('/feedback', key))
  expect(asked).toEqual(['granted', 'granted', 'KEY_REQUIRED', 'KEY_REQUIRED'])
})

test('admit() knows the default endpoint of the moment', () => {
  const { ask, at } = makeAccess(planned('a', { endpoints: ['a'] }), planned('all'))
  expect([ask('/predict', 'a'), ask('/predict', 'all')]).toEqual(['FORBIDDEN', 'granted'])
  at.defaultEndpoint = 'a'
  expect(ask('/predict', 'a')).toBe('granted')
  at.defaultEndpoint = 'b'
  expect(ask('/predict', 'a')).toBe('FORBIDDEN')
})

test('admit() counts what a key sends, whatever it asks, and nothing that it may not', () => {
  const rate = { perSecond: 2, burst: 2 }
  const { access, ask, at } = makeAccess(planned('a', { endpoints: ['a'], rate }), planned('b'))
  expect([ask('/predict/b', 'a'), ask('/predict/b', 'a')]).toEqual(['FORBIDDEN', 'FORBIDDEN'])
  expect([ask('/predict/a', 'a'), ask('/v2/models/a', 'a')]).toEqual(['granted', 'granted'])
  expect(access.admit('/predict/a', 'Bearer a', '')).toMatchObject({
    code: 'RATE_LIMITED',
    retryAfterMs: 500,
  })
  expect(ask('/predict/a', 'b')).toBe('granted')
  at.nowNs += SECOND_NS / 2n
  expect([ask('/predict/a', 'a'), ask('/predict/a', 'a')]).toEqual(['granted', 'RATE_LIMITED'])
})

test('use() keeps what a key has sent, and takes its new rate', () => {
  const slow = { perSecond: 0.1, burst: 1 }
  const { access, ask, use } = makeAccess(planned('x'), planned('a', { rate: slow }))
  expect([ask('/predict/a', 'a'), ask('/predict/a', 'a')]).toEqual(['granted', 'RATE_LIMITED'])
  expect(access.admit('/predict/a', 'Bearer a', '')).toMatchObject({ retryAfterMs: 10_000 })
  use(planned('a', { rate: slow }), planned('new', { rate: slow }))
  expect([ask('/predict/a', 'a'), ask('/predict/a', 'new')]).toEqual(['RATE_LIMITED', 'granted'])
  expect(ask('/predict/a', 'x')).toBe('KEY_REQUIRED')
  use(planned('a', { rate: { perSecond: 0.1, burst: 2 } }))
  expect(ask('/predict/a', 'a')).toBe('granted')
})

test('admit() gives the level of the key', () => {
  const { access } = makeAccess(planned('a', { priority: 3 }))
  expect(access.admit('/predict/a', 'Bearer a', '')).toMatchObject({ priority: 3 })
})

test('admitKey() looks at the endpoint that answers', () => {
  const grant = { endpoints: new Set(['a']), priority: 0 }
  expect(admitKey(grant, 'a')).toBeNull()
  expect(admitKey(grant, 'b')?.code).toBe('FORBIDDEN')
  expect(admitKey({ ...grant, endpoints: null }, 'b')).toBeNull()
  expect(admitKey(null, 'b')).toBeNull()
})

test('isDenied() is true of refusals for a key alone', () => {
  expect(isDenied(null)).toBe(false)
  expect(isDenied(refuse('BODY_TOO_LARGE', ''))).toBe(false)
  expect(isDenied(refuse('KEY_REQUIRED', ''))).toBe(true)
})

test('what a key may not ask shows in no answer that it gets, whatever path it tries', () => {
  const versions = ['mine', 'hidden'].map((model) => plannedVersion({ model, version: 1 }))
  const path = new RequestPath(epochPlan(3, versions), { isReady: () => true })
  const { access } = makeAccess(planned('k', { endpoints: ['mine'] }))
  const word = fc.constantFrom(
    ...['v1', 'v2', 'models', 'mine', 'mine', 'stats', 'versions', '1', '9', 'infer', 'ready'],
    ...['config', 'predict', 'mine:predict', 'labels', 'repository', 'index', 'load', 'metadata'],
    ...['health', 'live', '', 'logging', 'trace', 'setting', 'openapi.json', 'docs', 'livez', '..'],
  )
  const start = fc.constantFrom('', '/v2/models', '/v1/models', '/predict', '/v2/models/mine')
  const anyPath = fc
    .tuple(start, fc.array(word, { maxLength: 5 }))
    .map(([first, rest]) => [first, ...rest].join('/'))
  const method = fc.constantFrom('GET', 'POST', 'OPTIONS', 'DELETE')
  fc.assert(
    fc.property(method, anyPath, fc.constantFrom('', 'k'), (sent, asked, key) => {
      const answer = access.admit(asked, '', key)
      if (answer !== null && 'code' in answer) return
      const exchange = path.ask({ method: sent, path: asked, grant: answer })
      const said = JSON.stringify([exchange.answer, ...(exchange.answer?.headers ?? [])])
      expect(said).not.toContain('hidden')
      if (key === '') expect(said).not.toContain('mine')
    }),
    { numRuns: propertyRuns(500) },
  )
})
