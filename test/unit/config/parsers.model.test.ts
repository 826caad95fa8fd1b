import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'

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

test('parseModelConfig() has a default for every key', () => {
  const { defaultConfig } = repositoryParsers
  expect(parseModelConfig(utf8(''))).toEqual(defaultConfig)
  expect(parseModelConfig(utf8('dynamic_batching:'))).toEqual(defaultConfig)
  expect(
    parseModelConfig(
      utf8('max_batch_size: 0\ndynamic_batching: {max_queue_delay_microseconds: 100}'),
    ),
  ).toEqual({ maxBatchSize: 0, maxQueueDelayUs: 100, preferredBatchSize: [] })
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
