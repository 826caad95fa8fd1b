import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { DEFAULT_CUDA } from '../../../src/shared/session-settings.ts'

const { parseModelConfig, parseAliases } = repositoryParsers

const utf8 = (content: string | object): Uint8Array =>
  new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content))

test.each([
  [
    'an unknown key',
    'max_batchsize: 4',
    "model.yaml:1:1  max_batchsize: Unknown key 'max_batchsize'  (did you mean 'max_batch_size'?)",
  ],
  [
    'a negative size',
    'max_batch_size: -1',
    'model.yaml:1:1  max_batch_size: got -1; wanted integer 0 to 65536 or null',
  ],
  [
    'a delay of text',
    'dynamic_batching:\n  max_queue_delay_microseconds: 1ms',
    'model.yaml:2:3  dynamic_batching.max_queue_delay_microseconds: got "1ms"; wanted integer 0 to 10000000  (in microseconds: 1000)',
  ],
  [
    'a size of 0',
    'dynamic_batching: {preferred_batch_size: [4, 0]}',
    'model.yaml:1:46  dynamic_batching.preferred_batch_size.1: got 0; wanted integer 1 to 65536',
  ],
  ['a list', '[]', 'model.yaml:1:1  got a list; wanted map'],
  [
    'too many threads',
    'session: {intra_op_threads: 257}',
    'model.yaml:1:11  session.intra_op_threads: got 257; wanted integer 0 to 256',
  ],
  [
    'a misspelt level',
    'session: {graph_optimization: extend}',
    'model.yaml:1:11  session.graph_optimization: got "extend"; wanted `disabled`, `basic`, `extended` or `all`  (did you mean \'extended\'?)',
  ],
  [
    'an unknown provider',
    'session: {providers: [tensorrt]}',
    'model.yaml:1:23  session.providers.0: got "tensorrt"; wanted `cpu` or `cuda`',
  ],
  [
    'no provider',
    'session: {providers: []}',
    'model.yaml:1:11  session.providers: got a list; wanted list of `cpu` or `cuda`, at most 2',
  ],
  [
    'a provider twice',
    'session: {providers: [cpu, cpu]}',
    'model.yaml:1:11  session.providers: names a provider twice',
  ],
  [
    'half a key',
    'dynamic_batching: {max_queue_delay: 1}',
    "model.yaml:1:20  dynamic_batching.max_queue_delay: Unknown key 'max_queue_delay'  (did you mean 'max_queue_delay_microseconds'?)",
  ],
  [
    'a duplicate key',
    'max_batch_size: 1\nmax_batch_size: 2',
    'model.yaml:2:1  Key max_batch_size stands twice',
  ],
])('parseModelConfig() refuses %s', (_, content, detail) => {
  expect(parseModelConfig(utf8(content))).toMatchObject({ code: 'MODEL_CONFIG_INVALID', detail })
})

test.each([
  ['a GPU behind the CPU', '{providers: [cpu, cuda]}', 'session.providers: names cuda behind cpu'],
  [
    'settings of a GPU that is not asked for',
    '{cuda: {}}',
    'session.cuda: says how `cuda` is used',
  ],
  ['no GPU', '{providers: [cuda], cuda: {device_ids: []}}', 'session.cuda.device_ids: got a list'],
  ['GPU -1', '{providers: [cuda], cuda: {device_ids: [-1]}}', 'session.cuda.device_ids.0: got -1'],
  [
    'a word for a truth',
    '{providers: [cuda], cuda: {require: maybe}}',
    'session.cuda.require: got',
  ],
  [
    'an option that the binding drops',
    '{providers: [cuda], cuda: {arena_extend_strategy: 1}}',
    "session.cuda.arena_extend_strategy: Unknown key 'arena_extend_strategy'",
  ],
])('parseModelConfig() refuses %s', (_, session, detail) => {
  expect(parseModelConfig(utf8(`session: ${session}`))).toMatchObject({
    code: 'MODEL_CONFIG_INVALID',
    detail: expect.stringContaining(detail),
  })
})

test('parseModelConfig() reads what is asked of a GPU', () => {
  const cudaOf = (session: string) => {
    const config = parseModelConfig(utf8(`session: ${session}`))
    return 'code' in config ? config : config.session.cuda
  }
  expect(cudaOf('{providers: [cuda]}')).toEqual(DEFAULT_CUDA)
  expect(cudaOf('{providers: [cuda, cpu], cuda: {}}')).toEqual(DEFAULT_CUDA)
  expect(cudaOf('{providers: [cpu]}')).toBe(null)
  const all = 'device_ids: [1, 0], require: true, memory_bytes_max: 1024'
  expect(cudaOf(`{providers: [cuda, cpu], cuda: {${all}}}`)).toEqual({
    ...{ deviceIds: [1, 0], isRequired: true, memoryBytesMax: 1024 },
  })
})

test('parseModelConfig() reads every setting of a session', () => {
  const text = `session:
  intra_op_threads: 4
  inter_op_threads: 0
  execution_mode: parallel
  graph_optimization: extended
  memory_arena: false
  memory_pattern: false
  providers: [cuda, cpu]`
  expect(parseModelConfig(utf8(text))).toMatchObject({
    session: {
      ...{ intraOpThreads: 4, interOpThreads: 0, executionMode: 'parallel' },
      ...{ graphOptimization: 'extended', memoryArena: false, memoryPattern: false },
      providers: ['cuda', 'cpu'],
    },
  })
})

test('parseModelConfig() has a default for every key', () => {
  const { defaultConfig } = repositoryParsers
  expect(parseModelConfig(utf8(''))).toEqual(defaultConfig)
  expect(parseModelConfig(utf8('dynamic_batching:'))).toEqual(defaultConfig)
  expect(
    parseModelConfig(
      utf8('max_batch_size: 0\ndynamic_batching: {max_queue_delay_microseconds: 100}'),
    ),
  ).toEqual({ ...defaultConfig, maxBatchSize: 0, maxQueueDelayUs: 100 })
})

test.each([
  ['version 0', { champion: 0 }, 'champion: got '],
  ['half a version', { champion: 1.5 }, 'champion: got '],
  ['a version as text', { champion: '1' }, 'champion: got '],
  ['a name with a slash', { '../x': 1 }, 'is no name'],
  ['an empty name', { '': 1 }, 'is no name'],
  ['a list', [1], 'got a list; wanted map'],
])('parseAliases() refuses %s', (_, content, detail) => {
  expect(parseAliases(utf8(content))).toMatchObject({
    code: 'MODEL_CONFIG_INVALID',
    detail: expect.stringContaining(detail),
  })
})

test('parseAliases() gives versions by name', () => {
  const aliases = { champion: 1, challenger: 2, code: 3 }
  expect(parseAliases(utf8(aliases))).toEqual(aliases)
})
