/** Rules for markdown: titles, links, and paths that a page names. */

import { posix } from 'node:path'
import { bad, type TidyRule } from './rule.ts'
import { lineAt, type Repository, type SourceFile } from './source.ts'

const isMarkdown = ({ path }: SourceFile): boolean => path.endsWith('.md')

const FENCED = /^(```|~~~)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm
const INLINE_CODE = /`[^`\n]*`/g

/** The same text with blanks for what matches: places stay. */
const blank = (text: string, pattern: RegExp): string =>
  text.replace(pattern, (found) => found.replace(/[^\n]/g, ' '))

/** Markdown without fenced and inline code. */
const prose = (text: string): string => blank(blank(text, FENCED), INLINE_CODE)

/** What every page is asked: `complain` gets an offset. */
const eachPage = (
  { files }: Repository,
  check: (page: SourceFile, complain: (offset: number, what: string) => void) => void,
): string[] =>
  files.filter(isMarkdown).flatMap((page) => {
    const problems: string[] = []
    check(page, (offset, what) =>
      problems.push(`${page.path}:${lineAt(page.text, offset)}: ${what}`),
    )
    return problems
  })

const checkTitles = (repository: Repository): string[] =>
  eachPage(repository, ({ text }, complain) => {
    const titles = prose(text).match(/^# .+$/gm)?.length ?? 0
    if (titles !== 1) complain(0, `${titles} first-level headings; exactly one is wanted`)
  })

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchorsOf = (text: string): Set<string> =>
  new Set(
    [...blank(text, FENCED).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
      anchorOf(heading),
    ),
  )

/** Files, and the folders that hold them. */
const placesOf = (paths: Iterable<string>): ReadonlySet<string> =>
  new Set(
    [...paths].flatMap((path) =>
      path.split('/').map((_, index, parts) => parts.slice(0, parts.length - index).join('/')),
    ),
  )

/** Inline links and images, definitions of reference links, and links of HTML. */
const LINKS = [
  /\]\(\s*<?([^)\s>]+)[^)]*\)/g,
  /^ {0,3}\[[^\]\n]+\]:\s*<?([^\s>]+)/gm,
  /<[^>]*\b(?:href|src)=["']([^"']+)["']/g,
]

const checkLinks = (repository: Repository): string[] => {
  const texts = new Map(repository.files.map(({ path, text }) => [path, text]))
  const places = placesOf(repository.tracked)
  /** Why a relative link of a page leads nowhere, or null. */
  const faultOf = (path: string, link: string): string | null => {
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? path : posix.join(posix.dirname(path), file).replace(/\/$/, '')
    if (!places.has(target)) return texts.has(target) ? 'git does not track it' : 'dead link'
    if (anchor === undefined || !target.endsWith('.md')) return null
    return anchorsOf(texts.get(target) ?? '').has(anchor) ? null : 'dead anchor'
  }
  return eachPage(repository, ({ path, text }, complain) => {
    const clean = prose(text)
    for (const match of LINKS.flatMap((pattern) => [...clean.matchAll(pattern)])) {
      const link = match[1] ?? ''
      const fault = /^[a-z]+:/.test(link) ? null : faultOf(path, link)
      if (fault !== null) complain(match.index, `${link}: ${fault}`)
    }
    for (const { index, 1: words = '', 2: label = '' } of clean.matchAll(
      /\[([^\]]+)\]\[(.*?)\]/g,
    )) {
      const name = (label === '' ? words : label).toLowerCase()
      const isDefined = clean.toLowerCase().includes(`\n[${name}]:`)
      if (!isDefined) complain(index, `[${name}] is defined nowhere`)
    }
  })
}

/** Places that commands make and git does not track. */
const MADE = /^(bench\/(results|\.venv|\.profiles)|examples\/[^/]+\/\.venv)(\/|$)/
/** `a/b.ts`; not `{model}/1`, `<a>/b`, `*.ts` or a URL. */
const PATH = /^(?:\.\/)?((?:\.?[\w-]+(?:\.[\w-]+)*\/)+[\w.-]*)$/

/** Words of inline code that look like paths, with their offsets. */
const pathsIn = (text: string): { path: string; offset: number }[] =>
  [...blank(text, FENCED).matchAll(INLINE_CODE)].flatMap((code) =>
    [...code[0].matchAll(/[^\s`'"(),;=]+/g)].flatMap((word) => {
      const path = PATH.exec(word[0].replace(/[.:]$/, ''))?.[1]
      if (path === undefined) return []
      return [{ path: path.replace(/\/$/, ''), offset: code.index + word.index }]
    }),
  )

/** Whether a page may name this path: from the root, from its folder, or shortened. */
const isPath = (path: string, page: string, places: ReadonlySet<string>): boolean =>
  places.has(path) ||
  places.has(posix.join(posix.dirname(page), path)) ||
  // Where the folder is plain: `runtime/session.ts`.
  (!places.has(path.split('/')[0] ?? '') && [...places].some((one) => one.endsWith(`/${path}`)))

const checkPaths = (repository: Repository): string[] => {
  const tracked = placesOf(repository.tracked)
  const present = placesOf(repository.files.map(({ path }) => path))
  return eachPage(repository, (page, complain) => {
    for (const { path, offset } of pathsIn(page.text)) {
      const isOurs = tracked.has(path.split('/')[0] ?? '') || /\.(ts|py|proto)$/.test(path)
      if (!isOurs || MADE.test(path) || isPath(path, page.path, tracked)) continue
      const isNew = isPath(path, page.path, present)
      complain(offset, `${path}: ${isNew ? 'git does not track it' : 'no such path'}`)
    }
  })
}

const checkDecisions = (repository: Repository): string[] => {
  const numbers = new Map<string, string>()
  const pages = repository.files.filter(({ path }) => path.startsWith('docs/decisions/'))
  return pages.flatMap(({ path, text }) => {
    const number = /^docs\/decisions\/(\d{4})(?:-[a-z0-9]+)+\.md$/.exec(path)?.[1]
    if (number === undefined) return [`${path}: call it docs/decisions/0001-what-is-decided.md`]
    const other = numbers.get(number)
    numbers.set(number, path)
    return [
      ...(other === undefined ? [] : [`${path}: ${other} has this number`]),
      ...(text.startsWith(`# ${number}: `) ? [] : [`${path}: begin with "# ${number}: <title>"`]),
    ]
  })
}

/** A page with one title and this text. */
const page = (text: string, says: string) => bad('docs/a.md', `# A\n\n${text}\n`, says)

export const DOCUMENT_RULES: readonly TidyRule[] = [
  {
    title: 'every page has one title',
    check: checkTitles,
    bad: [
      bad('docs/a.md', 'no title', '0 first-level headings'),
      bad('docs/a.md', '# One\n\n# Two', '2 first-level headings'),
    ],
    good: [{ 'docs/a.md': '# One\n\n```sh\n# comment\n```\n' }],
  },
  {
    title: 'no dead relative link',
    check: checkLinks,
    bad: [
      page('[gone](gone.md)', 'docs/a.md:3: gone.md: dead link'),
      page('[gone](<gone.md> "title")', 'gone.md: dead link'),
      page('![drawing](gone.png)', 'gone.png: dead link'),
      page('[no such heading](#gone)', '#gone: dead anchor'),
      page('[gone][a]\n\n[a]: gone.md', 'gone.md: dead link'),
      page('[gone][nowhere]', '[nowhere] is defined nowhere'),
      page('[nowhere][]', '[nowhere] is defined nowhere'),
      page('<a href="gone.md">gone</a>', 'gone.md: dead link'),
      {
        files: { 'docs/a.md': '# A\n\n[new](new.md)', 'docs/new.md': '# New' },
        untracked: ['docs/new.md'],
        says: 'new.md: git does not track it',
      },
    ],
    good: [
      {
        'docs/a.md': '# A b\n\n[b](b.md#c-d) [self](#a-b) [up](../README.md) [out](https://a.b/c)',
        'docs/b.md': '# B\n\n## C, d\n\n[a][] `[gone](gone.md)`\n\n[a]: a.md',
        'README.md': '# R\n\n[folder](docs/) [ref][x]\n\n[x]: docs/a.md',
      },
    ],
  },
  {
    title: 'paths in backticks exist',
    check: checkPaths,
    bad: [
      page('see `docs/gone.md`', 'docs/a.md:3: docs/gone.md: no such path'),
      page('see `docs/gone/`', 'docs/gone: no such path'),
      page('run `npx vitest run docs/gone.test.ts`', 'docs/gone.test.ts: no such path'),
      page('see `runtime/gone.ts`', 'runtime/gone.ts: no such path'),
      {
        files: { 'docs/a.md': '# A\n\nsee `docs/new.md`', 'docs/new.md': '# New' },
        untracked: ['docs/new.md'],
        says: 'docs/new.md: git does not track it',
      },
    ],
    good: [
      {
        'docs/a.md':
          '# A\n\n`docs/{page}.md` `docs/<page>.md` `docs/*.md` `docs/` `docs/a.md:3`, `sub/b.ts`',
        'docs/sub/b.ts': '',
        'src/runtime/c.ts': '',
        'b.md': '# B\n\n`runtime/c.ts` `application/json` `/v2/health/live` `bench/results/x.txt`',
      },
    ],
  },
  {
    title: 'decisions are numbered, and say so in their title',
    check: checkDecisions,
    bad: [
      bad('docs/decisions/1-processes.md', '# 1: Processes', 'call it docs/decisions/0001-'),
      bad('docs/decisions/0001-Processes.md', '# 0001: Processes', 'call it docs/decisions/0001-'),
      bad('docs/decisions/0001-processes.md', '# 0001. Processes', 'begin with "# 0001: <title>"'),
      bad('docs/decisions/0001-processes.md', '# 0002: Processes', 'begin with "# 0001: <title>"'),
      {
        files: {
          'docs/decisions/0001-a.md': '# 0001: A',
          'docs/decisions/0001-b.md': '# 0001: B',
        },
        says: 'docs/decisions/0001-a.md has this number',
      },
    ],
    good: [{ 'docs/decisions/0001-processes.md': '# 0001: Processes\n' }],
  },
]
