import { expect, test } from 'vitest'
import { inOrder, nearestKey } from '../../../src/config/problems.ts'

const KEYS = ['model_repository', 'model_control_mode', 'state_dir', 'server']

test.each([
  ['model_repo', 'model_repository'],
  ['modelRepo', 'model_repository'],
  ['state', 'state_dir'],
  ['sevrer', 'server'],
  ['model', null], // two begin so
  ['st', null], // too short to say
  ['zebra', null],
])('nearestKey() to %j is %j', (name, expected) => {
  expect(nearestKey(name, KEYS)).toBe(expected)
})

test('inOrder() puts files by line before variables and flags', () => {
  const problem = (source: string, line = 0, column = 0) => ({
    source,
    line,
    column,
    path: '',
    message: '',
    hint: null,
  })
  const mixed = [
    problem('--b'),
    problem('SLUICE_A'),
    problem('s.yaml', 3, 1),
    problem('--a'),
    problem('s.yaml', 1, 9),
    problem('s.yaml', 1, 2),
  ]
  expect(inOrder(mixed).map(({ source, line, column }) => `${source}:${line}:${column}`)).toEqual([
    's.yaml:1:2',
    's.yaml:1:9',
    's.yaml:3:1',
    'SLUICE_A:0:0',
    '--b:0:0',
    '--a:0:0',
  ])
})
