/** Rules for the rest that people read: paths of one machine, lock files, dependencies, errors. */

import { ERROR_CODES, RETIRED_CODES } from '../../src/shared/errors.ts'
import { type BadCase, bad, type TidyRule } from './rule.ts'
import { lineAt, type Repository, type SourceFile } from './source.ts'

/** Written in parts so as not to name itself. The home folders of made-up users are examples. */
const MACHINE_PATH = new RegExp(
  `(?<![\\w.$}\\])-])/(${['work', 'root', 'home'].join('|')})/(?!build\\b|user\\b|me\\b)[\\w.-]+`,
)
const PATH_EXCEPTIONS = new Set(['package-lock.json'])

const checkMachinePaths = ({ files }: Repository): string[] =>
  files
    .filter(({ path }) => !PATH_EXCEPTIONS.has(path))
    .flatMap(({ path, text }) => {
      const found = MACHINE_PATH.exec(text)
      return found === null
        ? []
        : [`${path}:${lineAt(text, found.index)}: ${found[0]} is a path of one machine`]
    })

const checkLocks = ({ files }: Repository): string[] =>
  files
    .filter(({ path }) => /(^|\/)package-lock\.json$/.test(path))
    .filter(({ text }) => text.includes('"resolved"'))
    .map(({ path }) => `${path}: holds "resolved"; write it with omit-lockfile-registry-resolved`)

/** Lock files of Python that tests install: their first line is a command with what they pin. */
const CLIENT_LOCK = /^test\/conformance\/clients\/requirements-[^/]+\.txt$/

/** `# printf '%s\\n' 'tritonclient[http]==2.73.0' ...` -> `tritonclient` */
const pinnedIn = ({ text }: SourceFile): string[] =>
  [...(text.split('\n')[0] ?? '').matchAll(/'([\w.-]+)(?:\[[\w,]+\])?==/g)].map(
    ([, name]) => name ?? '',
  )

const checkDependencies = ({ files }: Repository): string[] => {
  const textOf = (wanted: string) => files.find(({ path }) => path === wanted)?.text ?? ''
  const manifest = JSON.parse(textOf('package.json') || '{}') as Record<string, object>
  const names = [
    ...Object.keys(manifest['dependencies'] ?? {}),
    ...Object.keys(manifest['optionalDependencies'] ?? {}),
    ...Object.keys(manifest['devDependencies'] ?? {}),
    ...files.filter(({ path }) => CLIENT_LOCK.test(path)).flatMap(pinnedIn),
  ]
  const page = textOf('docs/dependencies.md')
  const listed = [...page.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name ?? '')
  return [
    ...names
      .filter((name) => !listed.includes(name))
      .map((name) => `${name} has no line in docs/dependencies.md`),
    ...listed
      .filter((name) => !names.includes(name))
      .map((name) => `docs/dependencies.md: ${name} is not a direct dependency`),
  ]
}

/** Codes that no file of `src` uses yet, each with the reason it is kept. */
const UNUSED_CODES: Readonly<Record<string, string>> = {}

/** What is wrong with a table of error codes: one nobody uses, a stale excuse, one used again. */
const errorProblems = (
  { files }: Repository,
  codes: readonly string[],
  retired: readonly string[],
  unused: Readonly<Record<string, string>>,
): string[] => {
  const text = files
    .filter(({ path }) => path.startsWith('src/') && path !== 'src/shared/errors.ts')
    .map((file) => file.text)
    .join('\n')
  const isUsed = (code: string) => new RegExp(`['"\`]${code}['"\`]`).test(text)
  return [
    ...codes
      .filter((code) => !isUsed(code) && !Object.hasOwn(unused, code))
      .map((code) => `src/shared/errors.ts: ${code} is never used`),
    ...Object.keys(unused)
      .filter((code) => isUsed(code) || !codes.includes(code))
      .map((code) => `test/tidy/text.ts: ${code} is used or gone; drop its excuse`),
    ...retired
      .filter((code) => codes.includes(code) || isUsed(code))
      .map((code) => `src/shared/errors.ts: ${code} is retired and must not be used again`),
  ]
}

/** The rule with tables of its own: A is used in all cases. */
const errorCase = (
  says: string,
  codes: readonly string[],
  { retired = [], unused = {} }: { retired?: string[]; unused?: Record<string, string> },
): BadCase => ({
  ...bad('src/server/a.ts', `refuse('A')`, says),
  check: (repository) => errorProblems(repository, codes, retired, unused),
})

export const TEXT_RULES: readonly TidyRule[] = [
  {
    title: 'no path of one machine',
    check: checkMachinePaths,
    bad: [bad('docs/a.md', `run ${['', 'root', 'bin', 'x'].join('/')}`, 'a path of one machine')],
  },
  {
    title: 'the lock file names no registry',
    check: checkLocks,
    bad: [bad('package-lock.json', `{ "resolved": "https://a.b/c" }`, 'holds "resolved"')],
  },
  {
    title: 'every direct dependency has its reason',
    check: checkDependencies,
    bad: [
      bad('package.json', `{ "dependencies": { "left-pad": "1.0.0" } }`, 'left-pad has no line'),
      bad(
        'test/conformance/clients/requirements-a.txt',
        "# printf '%s\\n' 'pad-left[x]==1.0.0' 'b==2' | uv pip compile -\nc==1\n",
        'pad-left has no line',
      ),
      bad('docs/dependencies.md', '| `left-pad` | gone |', 'left-pad is not a direct dependency'),
    ],
  },
  {
    title: 'every error code is used, and no retired one',
    check: (repository) => errorProblems(repository, ERROR_CODES, RETIRED_CODES, UNUSED_CODES),
    bad: [
      bad('src/server/a.ts', '', 'is never used'),
      errorCase('B is never used', ['A', 'B'], {}),
      errorCase('A is used or gone; drop its excuse', ['A'], { unused: { A: 'old' } }),
      errorCase('B is used or gone; drop its excuse', ['A'], { unused: { B: 'old' } }),
      errorCase('A is retired', ['A'], { retired: ['A'] }),
      errorCase('A is retired', [], { retired: ['A'] }),
    ],
  },
]
