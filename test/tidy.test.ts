/**
 * The habits of this code base as tests. Every rule is a pure function in `test/tidy/`; each runs
 * on the tree, and on cases beside it that must fail, because a check that cannot fail is no check.
 * What Biome checks is in `biome.json`.
 */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BANNED_RULE } from './tidy/banned.ts'
import { CLOSURE_RULES } from './tidy/closure.ts'
import { DOCUMENT_RULES } from './tidy/documents.ts'
import { committedUnder, differences, generateProto } from './tidy/generated.ts'
import { IMPORT_RULES } from './tidy/imports.ts'
import { MIRROR_RULES } from './tidy/mirror.ts'
import { repositoryOf, type TidyRule } from './tidy/rule.ts'
import { SHAPE_RULES } from './tidy/shape.ts'
import { REPOSITORY_ROOT, readRepository, readTextFiles } from './tidy/source.ts'
import { TEST_RULES } from './tidy/tests.ts'
import { TEXT_RULES } from './tidy/text.ts'

const RULES: readonly TidyRule[] = [
  ...IMPORT_RULES,
  ...CLOSURE_RULES,
  ...SHAPE_RULES,
  BANNED_RULE,
  ...MIRROR_RULES,
  ...TEST_RULES,
  ...DOCUMENT_RULES,
  ...TEXT_RULES,
]

const TREE = readRepository()

for (const { title, check, bad, good = [] } of RULES) {
  test(`${title}: the tree`, () => expect(check(TREE).join('\n')).toBe(''))

  test(`${title}: complains about bad examples and no others`, () => {
    for (const { files, untracked, says, check: checkCase = check } of bad) {
      const problems = checkCase(repositoryOf(files, untracked)).join('\n')
      expect(problems, JSON.stringify(files)).toContain(says)
    }
    for (const files of good) {
      expect(check(repositoryOf(files)).join('\n'), JSON.stringify(files)).toBe('')
    }
  })
}

test('a file that has gone since it was listed is no file of the tree', () => {
  const files = readTextFiles(['.gitignore', 'an-editor-has-taken-it-away.md'])
  expect(files.map(({ path }) => path)).toEqual(['.gitignore'])
})

test('generated pages equal their generator: the tree', async () => {
  const { renderReference } = await import(join(REPOSITORY_ROOT, 'scripts', 'generate-docs.ts'))
  const pages = new Map<string, string>(Object.entries(await renderReference()))
  expect(differences(committedUnder('docs/reference/'), pages, 'npm run docs').join('\n')).toBe('')
})

test('generated wire code equals its generator: the tree', () => {
  const problems = differences(committedUnder('proto/gen/'), generateProto(), 'npm run proto')
  expect(problems.join('\n')).toBe('')
})

test('generated files: complains about a change, a stale file and a missing one', () => {
  const problems = differences(
    [
      { path: 'gen/a.ts', text: 'old' },
      { path: 'gen/stale.ts', text: '' },
    ],
    new Map([
      ['gen/a.ts', 'new'],
      ['gen/b.ts', ''],
    ]),
    'npm run x',
  )
  expect(problems).toHaveLength(3)
})
