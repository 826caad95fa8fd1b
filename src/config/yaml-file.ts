/** Reads YAML with positions. Nothing of the schema: only whether the text is sound. */

import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml'
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
    return failed(
      faults.map(({ message, pos }) => {
        const { line, col } = lines.linePos(pos[0])
        return fault(message, line, col)
      }),
    )
  }
  try {
    return {
      value: document.toJS({ maxAliasCount: 100 }) ?? {},
      problems: [],
      locate: (path) => locateIn(document, lines, source, [...path]),
    }
  } catch (thrown) {
    return failed([fault(thrown instanceof Error ? thrown.message : 'Cannot be read')])
  }
}
