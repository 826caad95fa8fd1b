/** Reads the repository once for the tidy rules: text, syntax tree and imports of every file. */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'vitest/node'

/** A node of the ESTree syntax tree; rules test `type` before they use a field. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

export interface Import {
  /** As written: `./clock.ts`, `node:fs`, `zod`. */
  readonly specifier: string
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
  readonly program: SyntaxNode
  readonly imports: readonly Import[]
}

/** What every rule is: a pure function of files to sentences, one for each problem. */
export type Rule<File extends SourceFile = SourceFile> = (files: readonly File[]) => string[]

export const REPOSITORY_ROOT = fileURLToPath(new URL('../../', import.meta.url))

const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.venv', '.sluice', 'dist', 'coverage'])
const TEXT_FILE =
  /(\.(ts|js|mjs|json|jsonl|md|ya?ml|proto|py|sh|txt|toml|csv)|\/[^./]+|ignore|\.npmrc)$/
const BYTES_MAX = 2_000_000

const walk = (folder: string, found: string[]): string[] => {
  for (const entry of readdirSync(join(REPOSITORY_ROOT, folder), { withFileTypes: true })) {
    if (SKIPPED_FOLDERS.has(entry.name)) continue
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) walk(path, found)
    else if (entry.isFile()) found.push(path)
  }
  return found
}

/** All paths of the repository, sorted, without installed and generated state. */
export const repositoryPaths = (): readonly string[] => walk('', []).sort()

/** All text files of the repository. */
export const readTextFiles = (paths = repositoryPaths()): readonly SourceFile[] =>
  paths
    .filter((path) => TEXT_FILE.test(`/${path}`))
    .map((path) => ({ path, text: readFileSync(join(REPOSITORY_ROOT, path), 'utf8') }))
    .filter(({ text }) => text.length < BYTES_MAX && !text.includes('\0'))

/** Parses a TypeScript file. Rules' own tests call it with a snippet. */
export const toCode = (path: string, text: string): CodeFile => {
  const program = parseAst(text, { lang: 'ts' }, path) as unknown as SyntaxNode
  return { path, text, program, imports: findImports(path, text, program) }
}

/** Line of an offset, from 1. */
export const lineAt = (text: string, offset: number): number => {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1))
    line++
  return line
}

/** A field that is a node, or undefined. */
export const child = (node: SyntaxNode, field: string): SyntaxNode | undefined => {
  const value = node[field]
  return isNode(value) ? value : undefined
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string'

/** Visits every node, parents first. */
export const visit = (node: SyntaxNode, see: (node: SyntaxNode) => void): void => {
  see(node)
  for (const value of Object.values(node)) {
    if (isNode(value)) visit(value, see)
    else if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) visit(item, see)
    }
  }
}

/** `a.b.c` for member chains of plain names, else the empty string. */
export const dottedName = (node: SyntaxNode | undefined): string => {
  if (node?.type === 'Identifier') return String(node['name'])
  if (node?.type !== 'MemberExpression') return ''
  const owner = dottedName(child(node, 'object'))
  const property = child(node, 'property')
  const name = property?.type === 'Literal' ? property['value'] : property?.['name']
  return owner === '' || typeof name !== 'string' ? '' : `${owner}.${name}`
}

const literal = (node: SyntaxNode | undefined): string | null =>
  node?.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : null

const importOf = (node: SyntaxNode): { specifier: string; isType: boolean } | null => {
  const kind = node['importKind'] ?? node['exportKind']
  let specifier: string | null = null
  if (/^(Import|ExportNamed|ExportAll)Declaration$/.test(node.type)) {
    specifier = literal(child(node, 'source'))
  } else if (node.type === 'ImportExpression') {
    specifier = literal(child(node, 'source'))
  } else if (node.type === 'CallExpression' && dottedName(child(node, 'callee')) === 'require') {
    specifier = literal((node['arguments'] as SyntaxNode[])[0])
  }
  // The description of a package is data: reading it loads none of its code.
  if (specifier === null || specifier.endsWith('/package.json')) return null
  return { specifier, isType: kind === 'type' }
}

const findImports = (path: string, text: string, program: SyntaxNode): Import[] => {
  const imports: Import[] = []
  visit(program, (node) => {
    const found = importOf(node)
    if (found === null) return
    const isRelative = found.specifier.startsWith('.')
    const target = isRelative ? posix.join(dirname(path), found.specifier) : null
    imports.push({ ...found, target, line: lineAt(text, node.start) })
  })
  return imports
}
