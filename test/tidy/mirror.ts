/** Unit tests mirror the source, in both directions. */

import { closure, graphOf } from './closure.ts'
import { type BadCase, bad, type TidyRule } from './rule.ts'
import { type CodeFile, child, children, type Repository } from './source.ts'
import { TESTED_BY } from './tested-by.ts'

/** The source of `test/unit/server/a.test.ts` and `a.<aspect>.test.ts`: `server/a`. */
const mirroredBy = (path: string): string | undefined =>
  /^test\/unit\/((?:.*\/)?[^/.]+)(?:\.[^/.]+)?\.test\.ts$/.exec(path)?.[1]

const checkSources = ({ files }: Repository): string[] => {
  const paths = new Set(files.map(({ path }) => path))
  return [...paths].flatMap((path) => {
    const mirrored = mirroredBy(path)
    if (mirrored === undefined) return []
    const sources = [`src/${mirrored}.ts`, `${mirrored}.ts`]
    return sources.some((source) => paths.has(source))
      ? []
      : [`${path}: has no source; expected ${sources.join(' or ')}`]
  })
}

/** Whether nothing of a file is left at run time. */
const isTypesOnly = ({ nodes }: CodeFile): boolean =>
  children(nodes[0], 'body').every((statement) => {
    const declared = child(statement, 'declaration') ?? statement
    return /^(ImportDeclaration|TS(Interface|TypeAlias)Declaration)$/.test(declared.type)
  })

/** Tests that start processes: what those import, they reach. */
const STARTS_PROCESSES = /^test\/(integration|fault|full)\//

/** What is wrong with the files of `src`, given those that are tested elsewhere. */
const untested = (
  repository: Repository,
  testedBy: Readonly<Record<string, readonly string[]>>,
): string[] => {
  const { code, files } = repository
  const graph = graphOf(repository)
  const mirrored = new Set(files.map(({ path }) => `src/${mirroredBy(path)}.ts`))
  const sources = code.filter((file) => file.path.startsWith('src/') && !isTypesOnly(file))
  const known = new Set(sources.map(({ path }) => path))
  const rows = Object.entries(testedBy)
  const listed = new Set(rows.flatMap(([, paths]) => paths))
  const faultOf = (path: string, test: string): string | null => {
    if (!known.has(path)) return 'has gone, or holds types only: drop it'
    if (mirrored.has(path)) return 'has a unit test now: drop it'
    if (!graph.has(test)) return `${test} has gone: who tests it?`
    const isReached = STARTS_PROCESSES.test(test) || closure(graph, test).has(path)
    return isReached ? null : `${test} does not reach it: who tests it?`
  }
  return [
    ...[...known]
      .filter((path) => !mirrored.has(path) && !listed.has(path))
      .map((path) => `${path}: write ${path.replace(/^src(.*)ts$/, 'test/unit$1test.ts')}`),
    ...rows.flatMap(([test, paths]) =>
      paths.flatMap((path) => {
        const fault = faultOf(path, test)
        return fault === null ? [] : [`test/tidy/mirror.ts: ${path} ${fault}`]
      }),
    ),
  ]
}

const SOURCE = 'export const a = 1'

/** The rule with a list of its own. */
const listing = (
  says: string,
  files: BadCase['files'],
  test = 'test/fault/a.test.ts',
): BadCase => ({
  files,
  says,
  check: (repository) => untested(repository, { [test]: ['src/server/a.ts'] }),
})

export const MIRROR_RULES: readonly TidyRule[] = [
  {
    title: 'every unit test has its source',
    check: checkSources,
    bad: [bad('test/unit/server/gone.test.ts', '', 'expected src/server/gone.ts')],
    good: [
      { 'test/unit/server/a.test.ts': '', 'src/server/a.ts': '' },
      { 'test/unit/server/a.refusals.test.ts': '', 'src/server/a.ts': '' },
      { 'test/unit/scripts/a.test.ts': '', 'scripts/a.ts': '' },
    ],
  },
  {
    title: 'every source file has its unit test, or is tested elsewhere',
    check: (repository) => untested(repository, TESTED_BY),
    bad: [
      bad('src/server/a.ts', SOURCE, 'src/server/a.ts: write test/unit/server/a.test.ts'),
      listing('test/fault/a.test.ts has gone', { 'src/server/a.ts': SOURCE }),
      listing('src/server/a.ts has gone', { 'test/fault/a.test.ts': '' }),
      listing('or holds types only', { 'src/server/a.ts': 'export interface A {}' }),
      listing('has a unit test now: drop it', {
        'src/server/a.ts': SOURCE,
        'test/unit/server/a.test.ts': '',
      }),
      listing(
        'test/property/a.test.ts does not reach it',
        { 'src/server/a.ts': SOURCE, 'test/property/a.test.ts': '' },
        'test/property/a.test.ts',
      ),
    ],
  },
]
