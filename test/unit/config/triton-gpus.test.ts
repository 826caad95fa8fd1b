import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTritonConfig } from '../../../src/config/triton-config.ts'
import { DEFAULT_SESSION } from '../../../src/shared/session-settings.ts'

const parse = (text: string) => parseTritonConfig(new TextEncoder().encode(text), 'm')

/** What a sound file says. */
const sound = (text: string) => {
  const result = parse(text)
  if ('code' in result) throw new Error(result.detail)
  return result
}

const configOf = (text: string) => sound(text).config
const warningsOf = (text: string) => sound(text).warnings.map(({ detail }) => detail)

const ON_GPU = 'instance_group { kind: KIND_GPU }'
const accelerated = (parameters: string): string =>
  `${ON_GPU} optimization { execution_accelerators {
    gpu_execution_accelerator { name: "cuda" ${parameters} } } }`

describe('parseTritonConfig() has a model run', () => {
  test.each([
    ['KIND_GPU', ['cuda', 'cpu'], { deviceIds: [0], isRequired: true, memoryBytesMax: null }],
    ['1', ['cuda', 'cpu'], { deviceIds: [0], isRequired: true, memoryBytesMax: null }],
    ['KIND_AUTO', ['cuda', 'cpu'], { deviceIds: [0], isRequired: false, memoryBytesMax: null }],
    ['KIND_CPU', ['cpu'], null],
    ['2', ['cpu'], null],
    ['KIND_MODEL', ['cpu'], null],
  ])('where instances of %s run, whatever accelerates them', (kind, providers, cuda) => {
    const group = `instance_group [ { kind: ${kind} } ]`
    expect(configOf(group).session).toEqual({ ...DEFAULT_SESSION, providers, cuda })
    expect(warningsOf(group)).toEqual([])
    const both = `${group} optimization { execution_accelerators {
      gpu_execution_accelerator : [ { name : "cuda" } ] } }`
    expect(configOf(both).session).toEqual({ ...DEFAULT_SESSION, providers, cuda })
    expect(warningsOf(both)).toEqual(
      cuda === null ? [expect.stringContaining('the model runs on the CPU, unless an inst')] : [],
    )
  })

  test.each([
    ['one session on each GPU that is named', 'gpus: [1, 3] kind: KIND_GPU', [1, 3]],
    ['as many on each as `count` says', 'count: 2 gpus: [0, 1] kind: KIND_GPU', [0, 1, 0, 1]],
    ['several on GPU 0 where none is named', 'count: 3 kind: KIND_GPU', [0, 0, 0]],
    ['as many as there may be', 'count: 512 gpus: [0, 1]', Array(512).fill([0, 1]).flat()],
    ['one, where the count is below', 'count: -4 kind: KIND_GPU', [0]],
    ['on GPUs that are named without a kind', 'gpus: 2', [2]],
  ])('%s', (_, group, deviceIds) => {
    const { session, instances } = configOf(`instance_group { ${group} }`)
    expect(session.cuda?.deviceIds).toEqual(deviceIds)
    expect(instances).toBe(deviceIds.length)
  })

  test('on the CPU, where a group says neither kind nor GPU', () => {
    expect(configOf('instance_group { count: 2 }')).toMatchObject({
      session: DEFAULT_SESSION,
      instances: 2,
    })
    expect(configOf('')).toMatchObject({ session: DEFAULT_SESSION, instances: null })
  })

  test('on GPUs alone, where only some groups ask for one', () => {
    const text =
      'instance_group { kind: KIND_CPU count: 5 }\ninstance_group { gpus: 0 kind: KIND_GPU }'
    expect(configOf(text)).toMatchObject({
      session: { providers: ['cuda', 'cpu'], cuda: { deviceIds: [0] } },
      instances: 1,
      declared: { gpuPlace: { line: 2, column: 26 } },
    })
    expect(warningsOf(text)).toEqual([
      expect.stringMatching(/1:16 {2}instance_group: is not obeyed: all sessions run on the GPUs/),
    ])
    expect(configOf('instance_group { kind: KIND_AUTO }').declared?.gpuPlace).toBe(null)
  })

  test('with a session for each GPU of each group, whatever they are', () => {
    const group = fc.record({
      count: fc.integer({ min: 1, max: 9 }),
      gpus: fc.array(fc.nat(7), { minLength: 1, maxLength: 4 }),
      kind: fc.constantFrom('KIND_GPU', 'KIND_AUTO'),
    })
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 4 }), (groups) => {
        const text = groups.map(
          ({ count, gpus, kind }) =>
            `instance_group { count: ${count} kind: ${kind} gpus: [${gpus.join()}] }`,
        )
        const { session, instances } = configOf(text.join('\n'))
        const { deviceIds = [], isRequired } = session.cuda ?? {}
        expect(instances).toBe(deviceIds.length)
        expect(isRequired).toBe(groups.some(({ kind }) => kind === 'KIND_GPU'))
        for (let id = 0; id < 8; id++) {
          const wanted = groups.map(
            ({ count, gpus }) => count * gpus.filter((gpu) => gpu === id).length,
          )
          const found = deviceIds.filter((gpu) => gpu === id).length
          expect(found).toBe(wanted.reduce((sum, many) => sum + many, 0))
        }
      }),
    )
  })
})

describe('parseTritonConfig() takes a limit of the memory of a GPU', () => {
  const parameter = 'parameters { key: "gpu_mem_limit" value { string_value: "1024" } }'
  const ofAccelerator = (value: string) =>
    accelerated(`parameters { key: "gpu_mem_limit" value: "${value}" }`)

  test.each([
    ['a parameter of the model', `${ON_GPU} ${parameter}`, 1024],
    ['one of the accelerator', ofAccelerator('2048'), 2048],
    ['the accelerator before the model', `${ofAccelerator('2048')} ${parameter}`, 2048],
  ])('from %s', (_, text, memoryBytesMax) => {
    expect(configOf(text).session.cuda).toMatchObject({ memoryBytesMax })
    expect(warningsOf(text)).toEqual([])
  })

  test('and has no use for it without one', () => {
    expect(configOf(parameter).session).toEqual(DEFAULT_SESSION)
  })

  test.each(['0', '-1', '1.5', '1e9', '', '1 GB', '9'.repeat(16)])('but not "%s"', (value) => {
    const detail = expect.stringContaining('wanted bytes, "1" or more')
    expect(parse(ofAccelerator(value))).toMatchObject({ code: 'MODEL_CONFIG_INVALID', detail })
    const text = `parameters { key: "gpu_mem_limit" value { string_value: "${value}" } }`
    expect(parse(text)).toMatchObject({ code: 'MODEL_CONFIG_INVALID', detail })
  })
})

test.each([
  [
    'a parameter of the accelerator that goes nowhere',
    accelerated('parameters { key: "cudnn_conv_algo_search" value: "1" }'),
    'gpu_execution_accelerator.parameters.cudnn_conv_algo_search: is not obeyed: ONNX Runtime for',
  ],
  [
    'a GPU beside another accelerator',
    `${ON_GPU} optimization { execution_accelerators { gpu_execution_accelerator { name: "tensorrt" } } }`,
    'is not obeyed: of GPUs only `cuda` is used',
  ],
])('parseTritonConfig() warns of %s', (_, text, warning) => {
  expect(warningsOf(text)).toEqual([expect.stringContaining(warning)])
})

test.each([
  ['GPUs of the CPU', 'kind: KIND_CPU gpus: 0', 'instance_group.gpus: are named, and the kind is'],
  ['a GPU below 0', 'kind: KIND_GPU gpus: -1', 'instance_group.gpus: got -1'],
  [
    'more sessions than a replica may have',
    'kind: KIND_GPU count: 513 gpus: [0, 1]',
    '1:16  instance_group: asks for 1026 sessions in each replica; wanted 1024 at most',
  ],
  [
    'more of several groups',
    'count: 1000 } instance_group { count: 25',
    'asks for 1025 sessions in each replica',
  ],
  ['a GPU by name', 'kind: KIND_GPU gpus: "0"', 'instance_group.gpus: got "0"'],
])('parseTritonConfig() refuses %s', (_, group, detail) => {
  expect(parse(`instance_group { ${group} }`)).toMatchObject({
    code: 'MODEL_CONFIG_INVALID',
    detail: expect.stringContaining(detail),
  })
})
