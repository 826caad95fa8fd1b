import { expect, test } from 'vitest'
import { inOrder } from '../../../src/config/problems.ts'

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
