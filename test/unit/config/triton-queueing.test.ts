import { describe, expect, test } from 'vitest'
import { parseTritonConfig } from '../../../src/config/triton-config.ts'

const parse = (text: string) => parseTritonConfig(new TextEncoder().encode(text), 'm')

const configOf = (text: string) => {
  const result = parse(text)
  if ('code' in result) throw new Error(result.detail)
  return result.config
}

const warningsOf = (text: string): string[] => {
  const result = parse(text)
  return 'code' in result ? [] : result.warnings.map(({ detail }) => detail)
}

const problemsOf = (text: string): string[] => {
  const result = parse(text)
  if (!('code' in result)) return []
  return result.problems.map(({ line, column, path, message }) =>
    [`${line}:${column}`, path, message].join(' '),
  )
}

describe('readVersionPolicy()', () => {
  test.each([
    ['', { kind: 'latest', count: 1 }],
    ['version_policy {}', { kind: 'latest', count: 1 }],
    ['version_policy { latest {} }', { kind: 'latest', count: 1 }],
    ['version_policy { latest { num_versions: 0 } }', { kind: 'latest', count: 1 }],
    ['version_policy: { latest { num_versions: 3 } }', { kind: 'latest', count: 3 }],
    ['version_policy { all {} }', { kind: 'all' }],
    [
      'version_policy { specific { versions: [1, 3] versions: 7 } }',
      { kind: 'specific', versions: [1, 3, 7] },
    ],
  ])('%j', (text, policy) => {
    expect(configOf(text).versionPolicy).toEqual(policy)
    expect(warningsOf(text)).toEqual([])
  })

  test.each([
    [
      'version_policy { all {} latest {} }',
      '1:22 version_policy wants one of latest, all, specific',
    ],
    ['version_policy { specific {} }', '1:27 version_policy.specific.versions is missing'],
    [
      'version_policy { specific { versions: 0 } }',
      '1:29 version_policy.specific.versions got 0; wanted an integer 1 to 9007199254740991',
    ],
  ])('refuses %j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem])
  })
})

describe('readInstances()', () => {
  test.each([
    ['', null],
    ['instance_group { kind: KIND_CPU }', null],
    ['instance_group { count: 3 }', 3],
    ['instance_group { count: 0 }', 1],
    ['instance_group [ { count: 2 kind: KIND_CPU }, { kind: KIND_CPU }, { count: -4 } ]', 4],
  ])('%j', (text, instances) => {
    expect(configOf(text).instances).toBe(instances)
    expect(warningsOf(text)).toEqual([])
  })
})

/** In form that of L0_batcher and L0_model_queue. */
const LEVELS = `max_batch_size: 4
dynamic_batching {
  priority_levels: 2
  default_priority_level: 2
  default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 100000 }
  priority_queue_policy {
    key: 1
    value: { timeout_action: REJECT allow_timeout_override: true max_queue_size: 4 }
  }
}`

describe('readQueue()', () => {
  test('reads levels and their policies', () => {
    expect(configOf(LEVELS).queue).toEqual({
      ...{ levels: 2, defaultLevel: 2 },
      base: {
        ...{ timeoutAction: 'delay', defaultTimeoutUs: 100_000 },
        ...{ allowTimeoutOverride: false, requestsMax: 0 },
      },
      byLevel: {
        1: {
          ...{ timeoutAction: 'reject', defaultTimeoutUs: 0 },
          ...{ allowTimeoutOverride: true, requestsMax: 4 },
        },
      },
    })
    expect(warningsOf(LEVELS)).toEqual([])
  })

  test('takes a policy without levels, and warns of levels that there are not', () => {
    const text = `max_batch_size: 4
dynamic_batching {
  default_priority_level: 1
  default_queue_policy { max_queue_size: 1 }
  priority_queue_policy { key: 7 value { max_queue_size: 2 } }
}`
    expect(configOf(text).queue).toMatchObject({
      ...{ levels: 0, defaultLevel: 0, base: { requestsMax: 1 }, byLevel: {} },
    })
    const says = 'is not obeyed: there are no priority_levels'
    expect(warningsOf(text)).toEqual([
      `config.pbtxt:3:3  dynamic_batching.default_priority_level: ${says}`,
      `config.pbtxt:5:25  dynamic_batching.priority_queue_policy: ${says}`,
    ])
  })

  const wanted = 'wanted a level 1 to 2, the number of priority_levels'

  test.each([
    [
      'levels without a default',
      'priority_levels: 2',
      `1:18 dynamic_batching.default_priority_level is missing; ${wanted}`,
    ],
    [
      'a default beyond the levels',
      'priority_levels: 2 default_priority_level: 3',
      `1:39 dynamic_batching.default_priority_level got 3; ${wanted}`,
    ],
    [
      'a policy for level 0',
      'priority_levels: 2 default_priority_level: 1 priority_queue_policy { value {} }',
      `1:87 dynamic_batching.priority_queue_policy got 0; ${wanted}`,
    ],
    [
      'a policy beyond the levels',
      'priority_levels: 2 default_priority_level: 1 priority_queue_policy { key: 300 }',
      `1:89 dynamic_batching.priority_queue_policy got 300; ${wanted}`,
    ],
    [
      'two policies for a level',
      'priority_levels: 2 default_priority_level: 1 priority_queue_policy [{ key: 1 }, { key: 1 }]',
      '1:102 dynamic_batching.priority_queue_policy.key 1 stands twice',
    ],
    [
      'an action that there is not',
      'default_queue_policy { timeout_action: DROP }',
      '1:43 dynamic_batching.default_queue_policy.timeout_action got DROP; wanted `REJECT` or `DELAY`',
    ],
    [
      'a negative time',
      'default_queue_policy { default_timeout_microseconds: -1 }',
      '1:43 dynamic_batching.default_queue_policy.default_timeout_microseconds got -1; wanted an integer 0 to 86400000000',
    ],
  ])('refuses %s', (_, fields, problem) => {
    expect(problemsOf(`dynamic_batching { ${fields} }`)).toEqual([problem])
  })
})
