/** How a file looks: sizes, syntax and names. */

import { bad, type TidyRule } from './rule.ts'
import {
  type CodeFile,
  child,
  children,
  keyOf,
  lineAt,
  placeOf,
  type Repository,
  type SyntaxNode,
  textOf,
} from './source.ts'

const FILE_LINES_MAX = 300
const FUNCTION_LINES_MAX = 70
const LINE_COLUMNS_MAX = 100

const isSource = ({ path }: { path: string }): boolean => path.startsWith('src/')

/** Code that somebody wrote. */
const written = ({ code }: Repository): readonly CodeFile[] =>
  code.filter(({ path }) => !path.startsWith('proto/gen/'))

/** Lines that hold something: a blank line costs no reader anything. */
const fullLines = (text: string): number =>
  text.split('\n').filter((line) => line.trim() !== '').length

const checkParsed = ({ code }: Repository): string[] =>
  code.filter(({ fault }) => fault !== '').map(({ path, fault }) => `${path}: ${fault}`)

const checkFileSizes = (repository: Repository): string[] =>
  written(repository)
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
    .map(
      ({ path, lines }) => `${path}: ${lines} lines; at most ${FILE_LINES_MAX}, one subject a file`,
    )

const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/

const checkFunctionSizes = ({ code }: Repository): string[] =>
  code.filter(isSource).flatMap((file) =>
    file.nodes
      .filter(({ type }) => FUNCTION.test(type))
      .map((node) => ({ node, lines: fullLines(file.text.slice(node.start, node.end)) }))
      .filter(({ lines }) => lines > FUNCTION_LINES_MAX)
      .map(
        ({ node, lines }) =>
          `${placeOf(file, node)}: function of ${lines} lines; at most ${FUNCTION_LINES_MAX}`,
      ),
  )

/** Around a text that has a line of its own, or is the title of a test: the formatter is done. */
const BEFORE_TEXT = /^\s*((test|it|describe)\b[^'"`]*\()?$/
const BEHIND_TEXT = /^([)\]},;]*|, (async )?\([^()]*\) => \{)$/

/** Whether a text or a URL crosses the limit, which is at `limit` from the start of the line. */
const isExcused = (file: CodeFile, start: number, line: string, limit: number): boolean => {
  const texts = file.nodes.filter(({ type }) => /^(Template)?Literal$/.test(type))
  const isText = texts.some((node) => {
    const [from, to] = [node.start - start, node.end - start]
    if (from < limit && limit < to) return true
    if (from < 0 || to < 0 || from > limit) return false
    return BEFORE_TEXT.test(line.slice(0, from)) && BEHIND_TEXT.test(line.slice(to))
  })
  const urls = [...line.matchAll(/\w+:\/\/\S+/g)]
  return isText || urls.some(({ index, 0: url }) => index < limit && index + url.length > limit)
}

const checkColumns = (repository: Repository): string[] =>
  written(repository).flatMap((file) => {
    let next = 0
    return file.text.split('\n').flatMap((line, index) => {
      const start = next
      next += line.length + 1
      const columns = [...line].length
      if (columns <= LINE_COLUMNS_MAX) return []
      // A character of two code units is one column.
      const limit = [...line].slice(0, LINE_COLUMNS_MAX).join('').length
      if (isExcused(file, start, line, limit)) return []
      return [`${file.path}:${index + 1}: ${columns} columns; at most ${LINE_COLUMNS_MAX}`]
    })
  })

const CONFIG_FILE = /^[^/]+\.config\.ts$/

/** Names that a file imports from others of ours; those of packages may get a home by type. */
const importedNames = ({ nodes }: CodeFile): ReadonlySet<string> =>
  new Set(
    nodes
      .filter(({ type }) => /^Import\w*Specifier$/.test(type))
      .filter((node) => textOf(child(node.parent, 'source'))?.startsWith('.'))
      .map((node) => keyOf(child(node, 'local'))),
  )

const exportProblems = (node: SyntaxNode, path: string, imported: ReadonlySet<string>) => {
  const isDefault = 'no default export: export it by its name'
  const isBarrel = 'no barrel: import from the file that declares the name'
  if (node.type === 'ExportDefaultDeclaration') return CONFIG_FILE.test(path) ? [] : [isDefault]
  if (node.type === 'ExportAllDeclaration') return [isBarrel]
  if (node.type !== 'ExportNamedDeclaration') return []
  const specifiers = children(node, 'specifiers')
  const isPassedOn =
    child(node, 'source') !== undefined ||
    specifiers.some((one) => imported.has(keyOf(child(one, 'local'))))
  return [
    ...(specifiers.some((one) => keyOf(child(one, 'exported')) === 'default') ? [isDefault] : []),
    ...(isPassedOn ? [isBarrel] : []),
  ]
}

const checkSyntax = (repository: Repository): string[] =>
  written(repository).flatMap((file) => {
    const imported = importedNames(file)
    return file.nodes.flatMap((node) => {
      const problems =
        node.type === 'TSEnumDeclaration'
          ? ['no enum: write a union of strings']
          : exportProblems(node, file.path, imported)
      return problems.map((problem) => `${placeOf(file, node)}: ${problem}`)
    })
  })

const BANNED_WORDS =
  /^(predictors?|runners?|services?|managers?|utils?|utilities|common|data|info|helpers?|misc|index)$/
/** Words of the design's vocabulary that hold one of these: data thread, version manager. */
const NAME_EXCEPTIONS = /^src\/(server\/data-threads?|runtime\/version-manager)\.ts$/

const checkNames = ({ files }: Repository): string[] =>
  files
    .filter((file) => isSource(file) && !NAME_EXCEPTIONS.test(file.path))
    .flatMap(({ path }) => {
      const words = path.replace(/\.[a-z]+$/, '').split(/[/.-]/)
      const word = words.find((one) => BANNED_WORDS.test(one))
      if (word !== undefined)
        return [`${path}: "${word}" says nothing; name the one thing it holds`]
      return /^[a-z0-9/.-]+$/.test(path) ? [] : [`${path}: file names are kebab-case`]
    })

/** It does not match its own text. */
const MARK = /\b(TO-?DO|FIX-?ME|XX-?X)\b/

const checkMarks = ({ files }: Repository): string[] =>
  files
    .filter(({ path }) => /^(src|test|bench|scripts|docs|proto|training)\/|^[A-Z]+\.md$/.test(path))
    .flatMap(({ path, text }) => {
      const found = MARK.exec(text)
      if (found === null) return []
      return [`${path}:${lineAt(text, found.index)}: "${found[0]}": do it, or open an issue`]
    })

/** A line of 95 columns, to be made longer. */
const LONG = 'x'.repeat(95)

export const SHAPE_RULES: readonly TidyRule[] = [
  {
    title: 'files can be parsed',
    check: checkParsed,
    bad: [bad('src/server/a.ts', 'const = 1', 'src/server/a.ts: Parse failed')],
  },
  {
    title: 'files have at most 300 lines',
    check: checkFileSizes,
    bad: [bad('src/server/a.ts', '// line\n'.repeat(301), '301 lines; at most 300')],
    good: [{ 'src/server/a.ts': '// line\n'.repeat(300) }],
  },
  {
    title: 'functions have at most 70 lines',
    check: checkFunctionSizes,
    bad: [bad('src/server/a.ts', `const a = () => {\n${'  a()\n'.repeat(69)}}`, '71 lines')],
    good: [{ 'src/server/a.ts': `const a = () => {\n${'  a()\n\n'.repeat(68)}}` }],
  },
  {
    title: 'lines have at most 100 columns',
    check: checkColumns,
    bad: [
      bad('src/server/a.ts', `// ${'x '.repeat(50)}`, 'src/server/a.ts:1: 103 columns'),
      bad('src/server/a.ts', `f('x', ${LONG})`, '103 columns'),
      bad('src/server/a.ts', `f('${LONG.slice(4)}', 'x')`, '101 columns'),
      bad('src/server/a.ts', `// 'x' ${LONG}`, '102 columns'),
      bad('src/server/a.ts', `// http://a.b ${LONG}`, '109 columns'),
    ],
    good: [
      { 'src/server/a.ts': `f('${LONG}')\nf(\`\${a}${LONG}\`)\n// see https://${LONG}` },
      { 'src/server/a.ts': `test('${LONG.slice(6)}', async () => {\n})` },
      { 'src/server/a.ts': `f(\n  '${LONG}',\n)` },
      { 'src/server/a.ts': `f('${'😀'.repeat(90)}', 10)` },
    ],
  },
  {
    title: 'no enums, default exports or barrels',
    check: checkSyntax,
    bad: [
      bad('src/server/a.ts', 'export enum A { B }', 'no enum'),
      bad('src/server/a.ts', 'export default 1', 'no default export'),
      bad('src/server/a.ts', 'const x = 1\nexport { x as default }', 'no default export'),
      bad('src/server/a.ts', `export * from './b.ts'`, 'no barrel'),
      bad('src/server/a.ts', `export { b } from './b.ts'`, 'no barrel'),
      bad('src/server/a.ts', `import { b } from './b.ts'\nexport { b }`, 'no barrel'),
      bad('src/server/a.ts', `import { b } from './b.ts'\nexport { b as c }`, 'no barrel'),
      bad('src/server/a.ts', `import * as b from './b.ts'\nexport { b }`, 'no barrel'),
      bad('src/server/a.ts', `import type { B } from './b.ts'\nexport type { B }`, 'no barrel'),
    ],
    good: [
      { 'vitest.config.ts': 'export default 1' },
      { 'src/server/a.ts': `import { b } from './b.ts'\nconst c = b()\nexport { c }` },
      { 'src/shared/logger.ts': `import { type Logger } from 'pino'\nexport type { Logger }` },
    ],
  },
  {
    title: 'files of src are named by the vocabulary',
    check: checkNames,
    bad: [
      bad('src/server/request-utils.ts', '', '"utils" says nothing'),
      bad('src/helpers/a.ts', '', '"helpers" says nothing'),
      bad('src/server/dataThread.ts', '', 'kebab-case'),
    ],
  },
  {
    title: 'no marks of unfinished work',
    check: checkMarks,
    bad: [bad('src/server/a.ts', `// ${'TO'}${'DO'}: later`, 'open an issue')],
  },
]
