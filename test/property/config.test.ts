/** Whatever a sluice.yaml holds, it gives a config, or problems that can be found. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { SluiceConfig } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { repositoryParsers } from '../../src/config/parsers.ts'
import { formatProblem } from '../../src/config/problems.ts'
import { type JsonSchema, leavesOf, toJsonSchema } from '../../src/config/schema-text.ts'
import { sluiceSchema } from '../../src/config/schemas/sluice.ts'
import { configProblems, loadedConfig } from '../helpers/config.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

/** Keys whose sound values may contradict those of others. */
const CONTRADICTED = [
  'limits.body_bytes_in_flight_max',
  ...['server.http_port', 'server.grpc_port', 'control.port', 'metrics.listen'],
  ...['records.record_bytes_max', 'records.spool.segment_bytes'],
  ...['tls.cert_file', 'tls.key_file', 'grpc.client_ca_file'],
]

const LEAVES = leavesOf(toJsonSchema(sluiceSchema))

/** Trees that come close: known keys, misspelt ones, any JSON value below them. */
const nearTree = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(
    fc.constantFrom('model_repository', 'server', 'limits', 'log', 'sevrer', '__proto__', 'x'),
    fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        fc.constantFrom('http_port', 'threads', 'level', 'body_bytes_max', 'toString', 'y'),
        fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom('auto', '64MiB', '8')),
      ),
    ),
  ),
)

const expectPlaces = (content: string): void => {
  const lines = content.split('\n')
  for (const problem of configProblems(content)) {
    const { source, line, column, message } = problem
    expect(source).toBe('sluice.yaml')
    expect(line).toBeGreaterThanOrEqual(1)
    expect(line).toBeLessThanOrEqual(lines.length)
    expect(column).toBeGreaterThanOrEqual(1)
    expect(column).toBeLessThanOrEqual((lines[line - 1] ?? '').length + 1)
    expect(message).not.toBe('')
    expect(formatProblem(problem)).not.toMatch(/YAML\.|zod|undefined|\[object/)
  }
}

test('loadConfig() puts every problem of a tree inside the file', () => {
  fc.assert(fc.property(nearTree, (tree) => expectPlaces(stringify(tree) ?? '')))
})

test('loadConfig() puts every problem of any text inside the file', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'ab:{}[],&*!|>%@`"\'#-? \t\n') }),
  )
  const half = { numRuns: propertyRuns(50) }
  fc.assert(fc.property(text, expectPlaces), half)
  fc.assert(
    fc.property(text, (content) => {
      const cwd = makeTempDir()
      // Flags and variables of any text do not throw either.
      loadConfig({ flags: { threads: content }, env: { SLUICE_LOG__LEVEL: content }, cwd })
    }),
    half,
  )
})

const validValue = ({ type, enum: words, const: word, minimum, maximum, anyOf }: JsonSchema) => {
  const one = (schema: JsonSchema): fc.Arbitrary<unknown> => validValue(schema)
  if (anyOf !== undefined) return fc.oneof(...anyOf.map(one))
  if (words !== undefined) return fc.constantFrom(...words)
  if (word !== undefined) return fc.constant(word)
  if (type === 'integer') return fc.integer({ min: minimum ?? 0, max: maximum ?? 100 })
  if (type === 'number') return fc.integer({ min: Math.ceil(minimum ?? 0), max: maximum ?? 100 })
  if (type === 'null') return fc.constant(null)
  if (type === 'boolean') return fc.boolean()
  return fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
}

/** Text that is not just any text. */
const address = fc
  .tuple(
    fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
      fc.domain(),
    ),
    fc.nat(65_535),
  )
  .map(([host, port]) => `${host}:${port}`)

/** As browsers send them: `.` would be no host, and a last label of digits an address. */
const origin = fc.stringMatching(/^https:\/\/[a-z]{1,9}(\.[a-z]{1,9}){0,3}(:[1-9][0-9]{3})?$/)

const origins = fc.oneof(fc.constant(['*']), fc.array(origin, { maxLength: 5 }))

const apiKey = fc.record(
  {
    endpoints: fc.oneof(
      fc.constant(['*']),
      fc.array(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 }),
    ),
    requests_per_second: fc.option(fc.integer({ min: 1, max: 1000 })),
    burst: fc.option(fc.integer({ min: 1, max: 1000 })),
    priority: fc.option(fc.integer({ min: 1, max: 9 })),
  },
  { requiredKeys: ['endpoints'] },
)

const keys = fc
  .array(apiKey, { maxLength: 5 })
  .map((all) => all.map((key, i) => ({ name: `key-${i}`, sha256: `${i}`.repeat(64), ...key })))

/** `hmac` would want a key. */
const redaction = fc.oneof(
  fc.constantFrom('drop', 'mask'),
  fc.integer({ min: 1, max: 99 }).map((bucket) => ({ bucket })),
)

const redactions = fc.dictionary(fc.stringMatching(/^[a-z*]{1,9}$/), redaction, { maxKeys: 3 })

const endpointRecords = fc.record(
  {
    enabled: fc.boolean(),
    sampling: fc.record({ rate: fc.double({ min: 0, max: 1, noNaN: true }) }),
    redact: fc.record({ features: redactions, outputs: redactions }, { requiredKeys: [] }),
    redact_patterns: fc.subarray(['email', 'phone']),
  },
  { requiredKeys: [] },
)

/** By the last two parts of their path, or the last one. */
const PARTICULAR: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  listen: fc.option(address),
  origins,
  keys,
  load_models: fc.array(fc.constantFrom('*', 'iris', 'flights'), { maxLength: 3 }),
  // The files of these settings do not exist.
  ...{ keys_file: fc.constant(null), hmac_key_file: fc.constant(null) },
  roles: fc.subarray(['answer', 'shadow', 'refused', 'failed', 'feedback']),
  codes: fc.subarray(['INTERNAL', 'QUEUE_FULL']),
  redact_patterns: fc.subarray(['email', 'phone']),
  request_id: fc.constantFrom(null, 'drop', 'mask'),
  'records.features': fc.oneof(
    fc.constantFrom('declared', 'none'),
    fc.uniqueArray(fc.stringMatching(/^[a-z]{1,9}$/), { maxLength: 3 }),
  ),
  ...{ 'redact.features': redactions, 'redact.outputs': redactions },
  endpoints: fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), endpointRecords, { maxKeys: 3 }),
}

const particular = (path: readonly string[]) =>
  PARTICULAR[path.slice(-2).join('.')] ?? PARTICULAR[path.at(-1)!]

/** A valid value for some settings, by their path. */
const settings = fc
  .subarray([...LEAVES])
  .chain((leaves) =>
    fc
      .tuple(...leaves.map(({ path, schema }) => particular(path) ?? validValue(schema)))
      .map((values) => leaves.map(({ path }, i) => ({ path, value: values[i] }))),
  )

const nested = (all: readonly { path: readonly string[]; value: unknown }[]): object => {
  const tree: Record<string, unknown> = { model_repository: 'models' }
  for (const { path, value } of all) {
    let at = tree
    for (const key of path.slice(0, -1)) {
      at[key] ??= {}
      at = at[key] as Record<string, unknown>
    }
    at[path.at(-1)!] = value
  }
  return tree
}

/** The config, relative to where it was read; null where values contradict each other. */
const loaded = (content: string, env: Record<string, string> = {}): SluiceConfig | null => {
  if (configProblems(content, { env }).length > 0) return null
  const { config, cwd } = loadedConfig(content, { env, cores: 2 })
  return JSON.parse(JSON.stringify(config).replaceAll(cwd, '')) as SluiceConfig
}

test('loadConfig() takes every valid setting, and the same from variables as from the file', () => {
  fc.assert(
    fc.property(settings, (all) => {
      const content = stringify(nested(all))
      const fromFile = loaded(content)
      for (const { path } of configProblems(content)) {
        expect(CONTRADICTED).toContain(path)
      }
      const env = Object.fromEntries(
        all.map(({ path, value }) => [
          `SLUICE_${path.join('__').toUpperCase()}`,
          typeof value === 'object' ? JSON.stringify(value) : String(value),
        ]),
      )
      expect(loaded('model_repository: models\n', env)).toEqual(fromFile)
      // JSON is YAML, and the order of keys means nothing.
      expect(loaded(JSON.stringify(nested(all.toReversed())))).toEqual(fromFile)
    }),
    { numRuns: propertyRuns(50) },
  )
})

test('parsers of repository files never throw, and their problems lie inside the file', () => {
  const { defaultConfig: _, ...parsers } = repositoryParsers
  const tree = fc.oneof(
    fc.jsonValue(),
    fc.record({ format: fc.jsonValue(), features: fc.jsonValue(), task: fc.jsonValue() }),
  )
  fc.assert(
    fc.property(tree, fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      const lines = text.split('\n')
      for (const parse of Object.values(parsers)) {
        const bytes = new TextEncoder().encode(text)
        const result = { ...parse(bytes, 'm') } as Record<string, unknown>
        // An alias may be called `problems`.
        const problems = Array.isArray(result['problems']) ? result['problems'] : []
        for (const { line, column } of problems) {
          expect(lines[line - 1]?.length).toBeGreaterThanOrEqual(column - 1)
        }
      }
    }),
  )
})
