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
    'sluice.yaml:2:1  Key model_repository stands twice',
  ],
  [
    'a tab',
    `${REPOSITORY}server:\n\thttp_port: 1`,
    'sluice.yaml:3:1  Tabs are not allowed as indentation',
  ],
  [
    'an open bracket',
    `${REPOSITORY}server: {`,
    'sluice.yaml:2:10  Is not indented like its neighbours, or a bracket before it is not closed',
  ],
  [
    'a tag that nobody knows',
    `model_repository: !secret models`,
    'sluice.yaml:1:19  A tag that means nothing here; leave it out',
  ],
  [
    'an alias of nothing',
    'a: &a 1\nmodel_repository: *models',
    'sluice.yaml:2:19  An alias of an anchor that is not set before it',
  ],
  [
    'two documents',
    'model_repository: a\n---\nmodel_repository: b',
    'sluice.yaml:2:1  A second document begins; only one is read',
  ],
  ['a bomb of anchors', bomb(), 'sluice.yaml:1:1  Its aliases make it too large'],
  [
    'a colon too many',
    'model_repository: a: b',
    'sluice.yaml:1:19  A second colon on one line; put the value in quotes',
  ],
  [
    'a list in a map, once',
    '- a\nserver: 1',
    'sluice.yaml:2:1  Does not belong here; is something before it not closed?',
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
