/**
 * Finds every use of globals, their members and names of modules that a policy keeps in one home.
 * It looks at references, not at calls, and refuses the ways round: an alias, destructuring,
 * `globalThis`, a namespace import, a computed member.
 */

import { isAt } from './imports.ts'
import { type CodeFile, child, children, keyOf, placeOf, type SyntaxNode } from './source.ts'

export interface Ban {
  /** Files, or folders ending in `/`, that may. */
  readonly homes: readonly string[]
  readonly instead: string
}

/** Members by their name; `'()'` is the call and `'new ()'` the construction without arguments. */
type Members = Readonly<Record<string, Ban>>

export interface Policy {
  /** Globals, whatever is done with them. */
  readonly globals: Readonly<Record<string, Ban>>
  /** Members of globals. Such a global is used as `Name.member` only, so that the member shows. */
  readonly members: Readonly<Record<string, Members>>
  /** Modules, or with `names` only these of their exports, which are then imported by name. */
  readonly modules: Readonly<Record<string, Ban & { readonly names?: readonly string[] }>>
}

/** Nodes of types that hold values: `x as T`, `x!`, `x satisfies T`. */
const VALUE_OF_TYPES = /^TS(As|NonNull|Satisfies|Instantiation)Expression$/

const isInType = (node: SyntaxNode): boolean => {
  for (let up = node.parent; up !== undefined; up = up.parent) {
    if (up.type.startsWith('TS') && !VALUE_OF_TYPES.test(up.type)) return true
    if (/(Statement|Declaration)$/.test(up.type)) return false
  }
  return false
}

/** Whether an identifier stands for a value, and is not the name of a member, key or import. */
const isReference = (node: SyntaxNode): boolean => {
  const { parent } = node
  if (node.type !== 'Identifier' || parent === undefined || isInType(node)) return false
  if (/^(Import\w*Specifier|LabeledStatement|MetaProperty)$/.test(parent.type)) return false
  return parent['computed'] === true || (parent['property'] !== node && parent['key'] !== node)
}

const BLOCK = /^(Program|BlockStatement|StaticBlock|SwitchStatement|For\w*Statement)$/

const isWithin = (node: SyntaxNode, scope: SyntaxNode | undefined): boolean => {
  for (let up: SyntaxNode | undefined = node; up !== undefined; up = up.parent) {
    if (up === scope) return true
  }
  return false
}

/** Where a name is valid that this identifier declares, or undefined when it declares none. */
const scopeOf = (node: SyntaxNode): SyntaxNode | undefined => {
  let pattern = node
  while (/^(Property|\w+Pattern|RestElement)$/.test(pattern.parent?.type ?? '')) {
    if (pattern.parent?.['right'] === pattern) return // a default is a use
    pattern = pattern.parent as SyntaxNode
  }
  const { parent } = pattern
  if (parent === undefined || pattern.type === 'Property') return
  if (children(parent, 'params').includes(pattern) || parent['param'] === pattern) return parent
  if (parent.type !== 'VariableDeclarator' || parent['id'] !== pattern) return
  let block = parent.parent
  while (block !== undefined && !BLOCK.test(block.type)) block = block.parent
  return block
}

/** References to globals of these names: what is declared or a parameter is something else. */
const globalsIn = ({ nodes }: CodeFile, names: ReadonlySet<string>): readonly SyntaxNode[] => {
  const named = nodes.filter((node) => names.has(String(node['name'])) && isReference(node))
  const declared = named.filter((node) => scopeOf(node) !== undefined)
  return named.filter(
    (node) => !declared.some((one) => one['name'] === node['name'] && isWithin(node, scopeOf(one))),
  )
}

interface Use {
  /** `''` for the bare name, else a member, `'()'`, `'new'` or `'new ()'`. */
  readonly member: string
  readonly isComputed: boolean
}

/** What is done with a global at this reference. */
const useOf = (node: SyntaxNode): Use => {
  const { parent } = node
  if (parent?.type === 'MemberExpression' && parent['object'] === node) {
    const member = keyOf(child(parent, 'property'), parent['computed'] === true)
    return { member, isComputed: member === '' }
  }
  const isCallee = parent?.['callee'] === node
  const isBare = children(parent, 'arguments').length === 0
  if (parent?.type === 'CallExpression' && isCallee) return { member: '()', isComputed: false }
  if (parent?.type === 'NewExpression' && isCallee) {
    return { member: isBare ? 'new ()' : 'new', isComputed: false }
  }
  const isTested = parent?.type === 'BinaryExpression' && parent['operator'] === 'instanceof'
  return { member: isTested ? 'instanceof' : '', isComputed: false }
}

const wordOf = (name: string, member: string): string => {
  if (member === '()') return `${name}()`
  return member.startsWith('new') ? `new ${name}${member.slice(4)}` : `${name}.${member}`
}

const checkReference = (file: CodeFile, node: SyntaxNode, policy: Policy): string[] => {
  const name = String(node['name'])
  const refuse = (ban: Ban, word: string): string[] =>
    isAt(file.path, ban.homes)
      ? []
      : [`${placeOf(file, node)}: no \`${word}\` here: ${ban.instead}`]
  const global = policy.globals[name]
  if (global !== undefined) return refuse(global, name)
  const members = policy.members[name] ?? {}
  const { member, isComputed } = useOf(node)
  if (member === '' || isComputed) {
    return [`${placeOf(file, node)}: write \`${name}.<member>\`, so that its use can be seen`]
  }
  const ban = Object.hasOwn(members, member) ? members[member] : undefined
  return ban === undefined ? [] : refuse(ban, wordOf(name, member))
}

/** Names that an import or `require` takes from a module; null for all of them. */
const namesOf = (node: SyntaxNode): readonly string[] | null => {
  const specifiers = children(node, 'specifiers')
  if (!/^(Import|ExportNamed)Declaration$/.test(node.type)) return null
  if (specifiers.some(({ type }) => !/^(Import|Export)Specifier$/.test(type))) return null
  return specifiers
    .filter((specifier) => specifier['importKind'] !== 'type')
    .map((specifier) => keyOf(child(specifier, 'imported') ?? child(specifier, 'local')))
}

const checkModules = (file: CodeFile, policy: Policy): string[] => {
  const declarations = file.nodes.filter(({ type }) => /^(Import|ExportNamed)Decl/.test(type))
  return file.imports.flatMap(({ specifier, isType, line }) => {
    const name = Object.keys(policy.modules).find(
      (module) => specifier === module || `node:${specifier}` === module,
    )
    const ban = name === undefined ? undefined : policy.modules[name]
    if (ban === undefined || isType || isAt(file.path, ban.homes)) return []
    const declaration = declarations.find((node) => placeOf(file, node) === `${file.path}:${line}`)
    const taken = declaration === undefined ? null : namesOf(declaration)
    const { names } = ban
    if (names === undefined) return [`${file.path}:${line}: no ${name} here: ${ban.instead}`]
    if (taken === null) return [`${file.path}:${line}: import single names of ${name}`]
    const found = taken.filter((one) => names.includes(one))
    return found.map((one) => `${file.path}:${line}: no ${one} of ${name} here: ${ban.instead}`)
  })
}

/** What a file does against a policy. */
export const breaches = (file: CodeFile, policy: Policy): string[] => {
  const names = new Set([...Object.keys(policy.globals), ...Object.keys(policy.members)])
  const found = globalsIn(file, names).flatMap((node) => checkReference(file, node, policy))
  return [...new Set([...checkModules(file, policy), ...found])]
}
