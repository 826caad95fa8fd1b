/** The same settings in model.yaml and in config.pbtxt are the same settings. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { repositoryParsers } from '../../src/config/parsers.ts'

const { parseModelConfig, parseTritonConfig } = repositoryParsers

/** What is written: names of Triton, plain values. */
type Tree = { readonly [key: string]: Tree | Tree[] | number[] | number | string | boolean }

const flag = fc.boolean()

const policy = fc.record(
  {
    timeout_action: fc.constantFrom('REJECT', 'DELAY'),
    default_timeout_microseconds: fc.integer({ min: 0, max: 86_400_000_000 }),
    allow_timeout_override: flag,
    max_queue_size: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  },
  { requiredKeys: [] },
)

const batching = fc
  .record({
    levels: fc.integer({ min: 0, max: 8 }),
    level: fc.integer({ min: 1, max: 9 }),
    policies: fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), policy), { maxLength: 4 }),
    own: fc.option(policy, { nil: undefined }),
  })
  .map(({ levels, level, policies, own }) => ({
    ...{ levels, level, own },
    policies: new Map(policies),
  }))

const versions = fc.oneof(
  fc.constant<Tree>({}),
  fc.constant<Tree>({ all: {} }),
  fc.integer({ min: 1, max: 1000 }).map((count): Tree => ({ latest: { num_versions: count } })),
  fc
    .array(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 5 })
    .map((all): Tree => ({ specific: { versions: all } })),
)

const input = fc
  .record({
    type: fc.constantFrom('TYPE_FP32', 'TYPE_INT64', 'TYPE_STRING', 'TYPE_BOOL', 'TYPE_FP16'),
    dims: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
    data: fc.constantFrom<Tree>(
      { zero_data: true },
      { random_data: true },
      { input_data_file: 'a/b.bin' },
    ),
  })
  .map(({ type, dims, data }): Tree => ({ data_type: type, dims, ...data }))

const samples = fc.array(
  fc.record({
    name: fc.stringMatching(/^[a-z ]{1,9}$/),
    batch_size: fc.integer({ min: 0, max: 8 }),
    count: fc.integer({ min: 0, max: 8 }),
    inputs: fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), input, { maxKeys: 3 }),
  }),
  { maxLength: 3 },
)

/** Text format. Enums are words; all other texts are strings. */
const pbtxt = (tree: Tree): string =>
  Object.entries(tree)
    .map(([key, value]) => {
      if (Array.isArray(value)) return value.map((each) => field(key, each)).join('')
      return field(key, value)
    })
    .join('')

const field = (key: string, value: Tree | number | string | boolean): string => {
  if (typeof value === 'object') return `${key} { ${pbtxt(value)}} `
  const isText = typeof value === 'string' && !/^(TYPE_|REJECT|DELAY)/.test(value)
  return `${key}: ${isText ? JSON.stringify(value) : value} `
}

const utf8 = (text: string) => new TextEncoder().encode(text)

const entries = (map: Iterable<readonly [string | number, Tree]>): Tree[] =>
  [...map].map(([key, value]) => ({ key, value }))

test('model.yaml and config.pbtxt say the same in the same words', () => {
  fc.assert(
    fc.property(batching, versions, samples, (queue, versionPolicy, warmups) => {
      const { levels, level, policies, own } = queue
      const common: Tree = {
        priority_levels: levels,
        ...(levels > 0 ? { default_priority_level: level } : {}),
        ...(own === undefined ? {} : { default_queue_policy: own }),
      }
      const byLevel = levels > 0 ? policies : new Map<number, Tree>()
      const yaml = parseModelConfig(
        utf8(
          stringify({
            version_policy: versionPolicy,
            dynamic_batching: { ...common, priority_queue_policy: Object.fromEntries(byLevel) },
            model_warmup: warmups,
          }),
        ),
      )
      const triton = parseTritonConfig(
        utf8(
          pbtxt({
            version_policy: versionPolicy,
            dynamic_batching: { ...common, priority_queue_policy: entries(byLevel) },
            model_warmup: warmups.map(({ inputs, ...sample }) => ({
              ...sample,
              inputs: entries(Object.entries(inputs)),
            })),
          }),
        ),
        'm',
      )
      const isSound = levels === 0 || (level <= levels && isWithin(byLevel.keys(), levels))
      expect('code' in triton).toBe(!isSound)
      expect('code' in yaml).toBe(!isSound)
      if ('code' in triton || 'code' in yaml) return
      expect({ ...triton.config, declared: null }).toEqual(yaml)
    }),
  )
})

const isWithin = (all: Iterable<number>, levels: number): boolean =>
  [...all].every((level) => level >= 1 && level <= levels)
