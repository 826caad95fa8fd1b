import { expect, test } from 'vitest'
import { configProblems, loadedConfig, REPOSITORY } from '../../../helpers/config.ts'

const HASH = 'a'.repeat(64)
const access = (...lines: string[]) =>
  `${REPOSITORY}access:\n  keys:\n${lines.map((line) => `    - ${line}\n`).join('')}`

const messages = (...lines: string[]) =>
  configProblems(access(...lines)).map(({ path, message }) => `${path}: ${message}`)

test('a key has defaults: all replicas together, no limit, no level', () => {
  const { config } = loadedConfig(access(`{name: a, sha256: ${HASH}, endpoints: ["*"]}`))
  expect(config.access.keys).toEqual([
    { name: 'a', sha256: HASH, endpoints: null, requestsPerSecond: null, burst: 1, priority: 0 },
  ])
})

test.each([
  ['requests_per_second: 0.5', 1],
  ['requests_per_second: 20', 20],
  ['requests_per_second: 20, burst: 3', 3],
])('a key with %s may send %i at once', (more, burst) => {
  const { config } = loadedConfig(access(`{name: a, sha256: ${HASH}, endpoints: [m], ${more}}`))
  expect(config.access.keys[0]).toMatchObject({ burst, endpoints: ['m'] })
})

test.each([
  ['an endpoint beside all', `{name: a, sha256: ${HASH}, endpoints: ["*", m]}`, 'endpoints'],
  ['no endpoints', `{name: a, sha256: ${HASH}, endpoints: []}`, 'endpoints'],
  ['endpoints left out', `{name: a, sha256: ${HASH}}`, 'endpoints'],
  ['a hash in capitals', `{name: a, sha256: ${HASH.toUpperCase()}, endpoints: [m]}`, 'sha256'],
  ['a name with a blank', `{name: a b, sha256: ${HASH}, endpoints: [m]}`, 'name'],
  [
    'a rate of nothing',
    `{name: a, sha256: ${HASH}, endpoints: [m], requests_per_second: 0}`,
    'req',
  ],
  ['level 0', `{name: a, sha256: ${HASH}, endpoints: [m], priority: 0}`, 'priority'],
  ['a key that is not hashed', '{name: a, key: secret, endpoints: [m]}', 'sha256'],
])('a key with %s is refused', (_what, line, path) => {
  expect(messages(line).join('\n')).toContain(`access.keys.0.${path}`)
})

test('what was written in place of a hash is not repeated', () => {
  const found = configProblems(access('{name: a, sha256: canary-secret, endpoints: [m]}'))
  expect(found).toHaveLength(1)
  expect(JSON.stringify(found)).not.toContain('canary')
})

test('names and hashes are distinct', () => {
  const [a, b] = ['a'.repeat(64), 'b'.repeat(64)]
  const key = (name: string, hash: string) => `{name: ${name}, sha256: ${hash}, endpoints: [m]}`
  expect(messages(key('x', a), key('x', b))).toEqual(['access.keys: names a key twice'])
  expect(messages(key('x', a), key('y', a))).toEqual(['access.keys: lists a hash twice'])
})
