/** Reads YAML with positions. Nothing of the schema: only whether the text is sound. */

import {
  type Document,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml'
import type { ConfigProblem } from './config.ts'

export interface YamlText {
  /** Plain data; null when there are problems. */
  readonly value: unknown
  readonly problems: readonly ConfigProblem[]
  /** Line and column of the value at a path, or of the nearest parent that exists. */
  locate(path: readonly PropertyKey[]): { source: string; line: number; column: number }
}

const BYTES_MAX = 1024 * 1024
const TOO_DEEP = 'Nests too deep'

/** Offset of the key, where the parent is a map, so that the reader's eye lands on the name. */
const offsetOf = (document: Document, path: PropertyKey[]): number | null => {
  const parent = path.length === 0 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (isMap(parent)) {
    const last = path.at(-1)
    const pair = parent.items.find(({ key }) => isScalar(key) && key.value === last)
    if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? null
  }
  const node = document.getIn(path, true) as { range?: [number, number, number] } | undefined
  return node?.range?.[0] ?? null
}

const locateIn = (document: Document, lines: LineCounter, source: string, path: PropertyKey[]) => {
  for (let depth = path.length; depth >= 0; depth--) {
    const offset = offsetOf(document, path.slice(0, depth))
    if (offset === null) continue
    const { line, col } = lines.linePos(offset)
    return { source, line, column: col }
  }
  return { source, line: 1, column: 1 }
}

/** Text to a document; a nesting so deep that the parser's stack ends is a problem like others. */
const parseText = (text: string, lineCounter: LineCounter): Document | string => {
  try {
    // Keys are strings, as in JSON; warnings are read below, not written to stderr.
    const document = parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      stringKeys: true,
      logLevel: 'error',
    })
    const isTooDeep = document.errors.some(({ message }) => message.includes('call stack'))
    return isTooDeep ? TOO_DEEP : document
  } catch (thrown) {
    return thrown instanceof RangeError ? TOO_DEEP : 'Cannot be read as YAML'
  }
}

/** What the parser says in words of its own trade, in those of a reader. By the parser's code. */
const WORDS: { readonly [Code in YAMLError['code']]?: string } = {
  ALIAS_PROPS: 'An alias takes neither tag nor anchor',
  BAD_DQ_ESCAPE: 'An unknown escape; single quotes take a backslash as it is',
  BAD_INDENT: 'Is not indented like its neighbours, or a bracket before it is not closed',
  BAD_SCALAR_START: 'Begins with a character that has a meaning in YAML; put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'A second colon on one line; put the value in quotes',
  IMPOSSIBLE: 'Cannot be read as YAML',
  KEY_OVER_1024_CHARS: 'A key of more than 1024 characters',
  MULTILINE_IMPLICIT_KEY: 'A key needs a colon and a blank behind it',
  MULTIPLE_DOCS: 'A second document begins; only one is read',
  NON_STRING_KEY: 'A key must be text',
  TAG_RESOLVE_FAILED: 'A tag that means nothing here; leave it out',
  UNEXPECTED_TOKEN: 'Does not belong here; is something before it not closed?',
}

const messageOf = ({ code, message, pos }: YAMLError, text: string): string => {
  if (code === 'DUPLICATE_KEY') {
    const key = /^[^\s:,{}]+/.exec(text.slice(pos[0], pos[0] + 100))?.[0] ?? ''
    return `Key ${key} stands twice`
  }
  return WORDS[code] ?? message
}

/** Offset of the first alias without an anchor before it. */
const unresolvedAlias = (document: Document): number => {
  let offset = 0
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return undefined
      offset = alias.range?.[0] ?? 0
      return visit.BREAK
    },
  })
  return offset
}

/** Parses YAML 1.2; `source` is the name shown. Duplicate keys, tabs, alias bombs are problems. */
export const parseYaml = (bytes: Uint8Array, source: string): YamlText => {
  const lines = new LineCounter()
  const fault = (message: string, line = 1, column = 1): ConfigProblem => ({
    source,
    line,
    column,
    path: '',
    message,
    hint: null,
  })
  const faultAt = (message: string, offset: number): ConfigProblem => {
    const { line, col } = lines.linePos(offset)
    return fault(message, line, col)
  }
  const failed = (problems: ConfigProblem[]): YamlText => ({
    value: null,
    problems,
    locate: () => ({ source, line: 1, column: 1 }),
  })
  if (bytes.length > BYTES_MAX) return failed([fault(`The file exceeds ${BYTES_MAX} bytes`)])
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return failed([fault('The file is not UTF-8')])
  }
  const document = parseText(text, lines)
  if (typeof document === 'string') return failed([fault(document)])
  // A warning is a tag that nobody resolves: its value would not be what its author meant.
  const faults = [...document.errors, ...document.warnings]
  if (faults.length > 0) {
    const problems = faults.map((each) => faultAt(messageOf(each, text), each.pos[0]))
    // What follows on the same line is the echo of the first.
    return failed(problems.filter(({ line }, i) => problems[i - 1]?.line !== line))
  }
  try {
    return {
      value: document.toJS({ maxAliasCount: 100 }) ?? {},
      problems: [],
      locate: (path) => locateIn(document, lines, source, [...path]),
    }
  } catch (thrown) {
    const isAlias = thrown instanceof ReferenceError && !thrown.message.startsWith('Excessive')
    return failed([
      isAlias
        ? faultAt('An alias of an anchor that is not set before it', unresolvedAlias(document))
        : fault('Its aliases make it too large'),
    ])
  }
}
