import { expect, test } from 'vitest'
import { formatProblem } from '../../../src/config/problems.ts'
import { configProblems, REPOSITORY } from '../../helpers/config.ts'

const bomb = (): string => {
  const levels = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
  for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh']) {
    levels.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(', ')}]`)
  }
  return levels.join('\n')
}

/** What is wrong, and the one line that it gets. */
const BAD: readonly (readonly [string, string | Uint8Array, string])[] = [
  [
    'a duplicate key',
    `${REPOSITORY}model_repository: other`,
    'sluice.yaml:2:1  Map keys must be unique',
  ],
  [
    'a tab',
    `${REPOSITORY}server:\n\thttp_port: 1`,
    'sluice.yaml:3:1  Tabs are not allowed as indentation',
  ],
  [
    'an open bracket',
    `${REPOSITORY}server: {`,
    'sluice.yaml:2:10  Flow map in block collection must be sufficiently indented and end with a }',
  ],
  [
    'a tag that nobody knows',
    `model_repository: !secret models`,
    'sluice.yaml:1:19  Unresolved tag: !secret',
  ],
  [
    'an alias of nothing',
    'model_repository: *models',
    'sluice.yaml:1:1  Unresolved alias (the anchor must be set before the alias): models',
  ],
  [
    'two documents',
    'model_repository: a\n---\nmodel_repository: b',
    'sluice.yaml:2:1  Source contains multiple documents; please use YAML.parseAllDocuments()',
  ],
  [
    'a bomb of anchors',
    bomb(),
    'sluice.yaml:1:1  Excessive alias count indicates a resource exhaustion attack',
  ],
  ['deep nesting', `a: ${'['.repeat(10_000)}`, 'sluice.yaml:1:1  Nests too deep'],
  [
    'bytes that are not UTF-8',
    Uint8Array.of(0x61, 0xff, 0xfe),
    'sluice.yaml:1:1  The file is not UTF-8',
  ],
  [
    'a file without end',
    'a'.repeat(1024 * 1024 + 1),
    'sluice.yaml:1:1  The file exceeds 1048576 bytes',
  ],
]

test.each(BAD)('loadConfig() says where and why when it finds %s', (_, content, line) => {
  expect(configProblems(content).map(formatProblem)).toEqual([line])
})
