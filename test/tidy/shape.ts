/** How a file looks: sizes, names, and calls that belong elsewhere. */

import {
  type CodeFile,
  child,
  dottedName,
  lineAt,
  type Rule,
  type SyntaxNode,
  visit,
} from './source.ts'

const FILE_LINES_MAX = 300
const FUNCTION_LINES_MAX = 70
const LINE_COLUMNS_MAX = 100

const isSource = ({ path }: { path: string }): boolean => path.startsWith('src/')
const isGenerated = ({ path }: { path: string }): boolean => path.startsWith('proto/gen/')

/** Lines that hold something: a blank line costs no reader anything. */
const fullLines = (text: string): number =>
  text.split('\n').filter((line) => line.trim() !== '').length

/** Files of at most 300 lines. */
export const fileSizeRule: Rule<CodeFile> = (files) =>
  files
    .filter((file) => !isGenerated(file))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
    .map(
      ({ path, lines }) => `${path}: ${lines} lines; at most ${FILE_LINES_MAX}, one subject a file`,
    )

const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/

/** Functions of at most 70 lines that are not blank. */
export const functionSizeRule: Rule<CodeFile> = (files) =>
  files.filter(isSource).flatMap(({ path, text, program }) => {
    const problems: string[] = []
    visit(program, (node) => {
      if (!FUNCTION.test(node.type)) return
      const lines = fullLines(text.slice(node.start, node.end))
      if (lines <= FUNCTION_LINES_MAX) return
      problems.push(
        `${path}:${lineAt(text, node.start)}: function of ${lines} lines; at most ${FUNCTION_LINES_MAX}`,
      )
    })
    return problems
  })

const isText = ({ type }: SyntaxNode): boolean => type === 'Literal' || type === 'TemplateLiteral'

/** Lines of at most 100 columns, unless a string makes them so. */
export const columnsRule: Rule<CodeFile> = (files) =>
  files
    .filter((file) => !isGenerated(file))
    .flatMap(({ path, text, program }) => {
      const long = text
        .split('\n')
        .map((line, index) => ({ line, number: index + 1 }))
        .filter(({ line }) => [...line].length > LINE_COLUMNS_MAX)
      if (long.length === 0) return []
      const excused = new Set<number>()
      visit(program, (node) => {
        if (!isText(node)) return
        const last = lineAt(text, node.end)
        for (let line = lineAt(text, node.start); line <= last; line++) excused.add(line)
      })
      return long
        .filter(({ number, line }) => !excused.has(number) && !line.includes('://'))
        .map(
          ({ number, line }) =>
            `${path}:${number}: ${[...line].length} columns; at most ${LINE_COLUMNS_MAX}`,
        )
    })

interface Ban {
  /** Files, or folders ending in `/`, that may. */
  readonly homes: readonly string[]
  readonly instead: string
}

const TIME: Ban = {
  homes: ['src/shared/clock.ts'],
  instead: 'take a Clock, or a `monotonic` function where it is hot (src/shared/clock.ts)',
}
const CONSOLE: Ban = {
  homes: [],
  instead: 'log through src/shared/logger.ts; a verb prints through src/cli/output.ts',
}

/** Calls and objects with one home. */
export const BANNED: Readonly<Record<string, Ban>> = {
  'Date.now': TIME,
  'performance.now': TIME,
  'process.hrtime': TIME,
  'process.hrtime.bigint': TIME,
  setTimeout: TIME,
  setInterval: TIME,
  'new Date': { ...TIME, instead: `${TIME.instead}; new Date(clock.now()) for people` },
  'Math.random': {
    homes: [],
    instead: 'take random bytes from node:crypto, or pass the choice in',
  },
  'new Worker': { homes: ['src/shared/threads.ts'], instead: 'call spawnThread()' },
  'process.env': {
    // uWebSockets reads its header limit by C `getenv`: it must be written, once.
    homes: ['src/config/', 'src/server/uws-binary.ts'],
    instead: 'read it in src/config/ and pass the value on',
  },
  console: CONSOLE,
}

const bannedName = (node: SyntaxNode): string => {
  if (node.type === 'NewExpression') {
    const name = dottedName(child(node, 'callee'))
    const isNow = (node['arguments'] as unknown[]).length === 0
    return name === 'Worker' || (name === 'Date' && isNow) ? `new ${name}` : ''
  }
  if (node.type === 'CallExpression') return dottedName(child(node, 'callee'))
  const name = node.type === 'MemberExpression' ? dottedName(node) : ''
  return name.startsWith('console.') ? 'console' : name
}

/** Banned calls, each with its replacement. */
export const bannedRule: Rule<CodeFile> = (files) =>
  files.filter(isSource).flatMap(({ path, text, program }) => {
    const problems = new Set<string>()
    visit(program, (node) => {
      const name = bannedName(node)
      const ban = Object.hasOwn(BANNED, name) ? BANNED[name] : undefined
      if (ban === undefined) return
      if (ban.homes.some((home) => (home.endsWith('/') ? path.startsWith(home) : path === home)))
        return
      problems.add(`${path}:${lineAt(text, node.start)}: no \`${name}\` here: ${ban.instead}`)
    })
    return [...problems]
  })

const CONFIG_FILE = /^[^/]+\.config\.ts$/

/** Syntax that is not used: enums, default exports, barrels. */
export const syntaxRule: Rule<CodeFile> = (files) =>
  files
    .filter((file) => !isGenerated(file))
    .flatMap(({ path, text, program }) => {
      const problems: string[] = []
      const say = (node: SyntaxNode, what: string) =>
        problems.push(`${path}:${lineAt(text, node.start)}: ${what}`)
      visit(program, (node) => {
        if (node.type === 'TSEnumDeclaration') say(node, 'no enum: write a union of strings')
        if (node.type === 'ExportDefaultDeclaration' && !CONFIG_FILE.test(path)) {
          say(node, 'no default export: export it by its name')
        }
        const isReExport = /^Export(All|Named)Declaration$/.test(node.type) && child(node, 'source')
        if (isReExport && !isGenerated({ path })) {
          say(node, 'no barrel: import from the file that declares the name')
        }
      })
      return problems
    })

const BANNED_WORDS =
  /^(predictors?|runners?|services?|managers?|utils?|utilities|common|data|info|helpers?|misc|index)$/
const NAME_EXCEPTIONS = new Set(['src/server/data-thread.ts', 'src/runtime/version-manager.ts'])

/** File names of `src` by the vocabulary: kebab case, no word that says nothing. */
export const namesRule: Rule = (files) =>
  files
    .filter((file) => isSource(file) && !NAME_EXCEPTIONS.has(file.path))
    .flatMap(({ path }) => {
      const words = path.replace(/\.[a-z]+$/, '').split(/[/.-]/)
      const bad = words.find((word) => BANNED_WORDS.test(word))
      if (bad !== undefined) return [`${path}: "${bad}" says nothing; name the one thing it holds`]
      return /^[a-z0-9/.-]+$/.test(path) ? [] : [`${path}: file names are kebab-case`]
    })

/** Marks of unfinished work belong in an issue. */
export const marksRule: Rule = (files) =>
  files
    .filter(({ path }) => /^(src|test|bench|scripts|docs|proto|training)\/|^[A-Z]+\.md$/.test(path))
    .flatMap(({ path, text }) => {
      const found = /\b(TO-?DO|FIX-?ME|XX-?X)\b/.exec(text)
      return found === null || path === 'test/tidy/shape.ts'
        ? []
        : [`${path}:${lineAt(text, found.index)}: "${found[0]}": do it, or open an issue`]
    })
