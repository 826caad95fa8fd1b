/** Reads the repository once for the tidy rules: text, syntax tree and imports of every file. */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'vitest/node'

/** A node of the ESTree syntax tree; rules test `type` before they use a field. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly parent?: SyntaxNode
  readonly [field: string]: unknown
}

export interface Import {
  /** As written: `./clock.ts`, `node:fs`, `zod`. Null when it is computed. */
  readonly specifier: string | null
  /** The file it names, relative to the repository, or null for packages. */
  readonly target: string | null
  /** `import type ...`: gone at run time. `import { type X }` still loads the module. */
  readonly isType: boolean
  readonly line: number
}

/** One file of the repository. `path` is relative to its root, with forward slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** A TypeScript file with what the rules ask of it. */
export interface CodeFile extends SourceFile {
  /** Every node, parents first. */
  readonly nodes: readonly SyntaxNode[]
  readonly imports: readonly Import[]
  /** Why it cannot be parsed, or an empty string. Then it has no nodes. */
  readonly fault: string
}

/** What every rule looks at. */
export interface Repository {
  readonly files: readonly SourceFile[]
  /** Those of `files` that are TypeScript. */
  readonly code: readonly CodeFile[]
  /** Paths that a clone has; new files are in `files` before they are here. */
  readonly tracked: ReadonlySet<string>
}

export const REPOSITORY_ROOT = fileURLToPath(new URL('../../', import.meta.url))

const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.venv', '.sluice', 'dist', 'coverage'])
const BYTES_MAX = 2_000_000
const GIT_BYTES_MAX = 64 * 1024 * 1024

const walk = (folder: string, found: string[]): string[] => {
  for (const entry of readdirSync(join(REPOSITORY_ROOT, folder), { withFileTypes: true })) {
    if (SKIPPED_FOLDERS.has(entry.name)) continue
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) walk(path, found)
    else if (entry.isFile()) found.push(path)
  }
  return found
}

/** Paths by `git ls-files`, or null where this is no checkout: a copy, an unpacked archive. */
const askGit = (...flags: readonly string[]): readonly string[] | null => {
  // In a container the checkout often belongs to somebody else, which git refuses unless told.
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z', ...flags]
  const { status, stdout, stderr } = spawnSync('git', args, {
    cwd: REPOSITORY_ROOT,
    encoding: 'utf8',
    maxBuffer: GIT_BYTES_MAX,
  })
  // All that lies in the folder instead would be held against the rules, and not say why.
  if (status !== 0 && stderr && !stderr.includes('not a git repository')) throw new Error(stderr)
  const paths = status === 0 ? stdout.split('\0').filter((path) => path !== '') : []
  return paths.includes('package.json') ? paths : null
}

const isThere = (path: string): boolean => existsSync(join(REPOSITORY_ROOT, path))

/** Null for a file that others took away since it was listed: an editor, a tool beside this. */
const readIfThere = (path: string): Buffer | null => {
  try {
    return readFileSync(join(REPOSITORY_ROOT, path))
  } catch (error) {
    if (isThere(path)) throw error
    return null
  }
}

/** All paths of the repository, sorted: tracked and new files, without what git ignores. */
export const repositoryPaths = (): readonly string[] => {
  const listed = askGit('--cached', '--others', '--exclude-standard')
  return [...new Set(listed ?? walk('', []))].filter(isThere).sort()
}

/** Files that are read: all but big and binary ones, and those that have gone since. */
export const readTextFiles = (paths = repositoryPaths()): readonly SourceFile[] =>
  paths.flatMap((path) => {
    const bytes = readIfThere(path)
    if (bytes === null || bytes.length >= BYTES_MAX || bytes.includes(0)) return []
    return [{ path, text: bytes.toString('utf8') }]
  })

/** The repository as the rules see it; rules' own cases pass a few made-up files. */
export const toRepository = (
  files: readonly SourceFile[],
  tracked: Iterable<string> = files.map(({ path }) => path),
): Repository => ({
  files,
  code: files.filter(({ path }) => path.endsWith('.ts')).map(toCode),
  tracked: new Set(tracked),
})

/** The tree itself. */
export const readRepository = (): Repository => {
  const paths = repositoryPaths()
  return toRepository(readTextFiles(paths), askGit() ?? paths)
}

const toCode = ({ path, text }: SourceFile): CodeFile => {
  const nodes: SyntaxNode[] = []
  let fault = ''
  try {
    collect(parseAst(text, { lang: 'ts' }, path) as unknown as SyntaxNode, nodes)
  } catch (error) {
    fault = error instanceof Error ? error.message : String(error)
  }
  return { path, text, nodes, imports: findImports(path, text, nodes), fault }
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string'

/** Lists a tree, parents first, and tells each node its parent. */
const collect = (node: SyntaxNode, nodes: SyntaxNode[]): void => {
  nodes.push(node)
  for (const value of Object.values(node)) {
    const children = Array.isArray(value) ? value : [value]
    for (const item of children) {
      if (!isNode(item)) continue
      collect(item, nodes)
      ;(item as { parent?: SyntaxNode }).parent = node // after its fields were listed
    }
  }
}

/** Line of an offset, from 1. */
export const lineAt = (text: string, offset: number): number => {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1))
    line++
  return line
}

/** `path:line` of a node. */
export const placeOf = ({ path, text }: SourceFile, node: SyntaxNode): string =>
  `${path}:${lineAt(text, node.start)}`

/** A field that is a node, or undefined. */
export const child = (node: SyntaxNode | undefined, field: string): SyntaxNode | undefined => {
  const value = node?.[field]
  return isNode(value) ? value : undefined
}

/** A field that is a list of nodes; empty when it is none. */
export const children = (node: SyntaxNode | undefined, field: string): readonly SyntaxNode[] => {
  const value = node?.[field]
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** The text of a string literal or of a template without expressions, or null. */
export const textOf = (node: SyntaxNode | undefined): string | null => {
  if (node?.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : null
  if (node?.type !== 'TemplateLiteral' || children(node, 'expressions').length > 0) return null
  const value = children(node, 'quasis')[0]?.['value'] as { cooked: string } | undefined
  return value?.cooked ?? null
}

/** The name of a member, a property key or an import specifier: `a.b`, `a['b']`, `{ b: 1 }`. */
export const keyOf = (node: SyntaxNode | undefined, isComputed = false): string => {
  if (node?.type === 'Identifier' && !isComputed) return String(node['name'])
  return textOf(node) ?? ''
}

/** `a.b.c` for member chains of plain names, else the empty string. */
export const dottedName = (node: SyntaxNode | undefined): string => {
  if (node?.type === 'Identifier') return String(node['name'])
  if (node?.type !== 'MemberExpression') return ''
  const owner = dottedName(child(node, 'object'))
  const name = keyOf(child(node, 'property'), node['computed'] === true)
  return owner === '' || name === '' ? '' : `${owner}.${name}`
}

/** The node that says what is imported, or undefined when this node imports nothing. */
const sourceOf = (node: SyntaxNode): SyntaxNode | undefined => {
  if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type)) return child(node, 'source')
  if (node.type === 'ImportExpression') return child(node, 'source')
  if (node.type === 'TSImportType') return child(node, 'source') ?? child(node, 'argument')
  if (node.type !== 'CallExpression' || dottedName(child(node, 'callee')) !== 'require') return
  return children(node, 'arguments')[0]
}

const isTypeImport = (node: SyntaxNode): boolean =>
  node.type === 'TSImportType' || (node['importKind'] ?? node['exportKind']) === 'type'

const findImports = (path: string, text: string, nodes: readonly SyntaxNode[]): Import[] =>
  nodes.flatMap((node) => {
    const source = sourceOf(node)
    if (source === undefined) return []
    const specifier = textOf(source)
    // The description of a package is data: reading it loads none of its code.
    if (specifier?.endsWith('/package.json')) return []
    const target = specifier?.startsWith('.') ? posix.join(dirname(path), specifier) : null
    return [{ specifier, target, isType: isTypeImport(node), line: lineAt(text, node.start) }]
  })
