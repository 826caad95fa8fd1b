/** Places in JSON text: `JSON.parse` says what a file holds, but not where. */

import type { Place } from './config.ts'

type Path = readonly PropertyKey[]

/** The paths that are looked for, as a tree; `offset` once it was found. */
interface Wanted {
  offset: number | null
  readonly inside: Map<string, Wanted>
}

const SPACE = /[ \t\n\r]*/y
// Unrolled, because an alternation would use up the stack of the engine on a long string.
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y
const NUMBER_OR_WORD = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

class NotJson extends Error {}

/** Walks over text that may end to be JSON anywhere, and notes where wanted values begin. */
class Walk {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** @throws NotJson, `at` being where it ends to be JSON */
  document(wanted: Wanted): void {
    this.#space()
    wanted.offset = this.at
    this.#value(wanted)
    if (this.at < this.#text.length) throw new NotJson()
  }

  #space(): void {
    SPACE.lastIndex = this.at
    this.at += SPACE.exec(this.#text)?.[0].length ?? 0
  }

  /** What matches here, with the space behind it. */
  #take(pattern: RegExp): string {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) throw new NotJson()
    this.at += found.length
    this.#space()
    return found
  }

  #takeSign(sign: string): boolean {
    if (this.#text[this.at] !== sign) return false
    this.at++
    this.#space()
    return true
  }

  #value(wanted: Wanted | undefined): void {
    if (this.#takeSign('{')) this.#members(wanted)
    else if (this.#takeSign('[')) this.#elements(wanted)
    else this.#take(this.#text[this.at] === '"' ? STRING : NUMBER_OR_WORD)
  }

  /** Of members the key is noted, so that the reader's eye lands on the name. */
  #members(wanted: Wanted | undefined): void {
    if (this.#takeSign('}')) return
    do {
      const start = this.at
      const key = this.#take(STRING)
      const child = wanted?.inside.get(JSON.parse(key) as string)
      if (child !== undefined) child.offset = start
      if (!this.#takeSign(':')) throw new NotJson()
      this.#value(child)
    } while (this.#takeSign(','))
    if (!this.#takeSign('}')) throw new NotJson()
  }

  #elements(wanted: Wanted | undefined): void {
    if (this.#takeSign(']')) return
    let index = 0
    do {
      const child = wanted?.inside.get(String(index++))
      if (child !== undefined) child.offset = this.at
      this.#value(child)
    } while (this.#takeSign(','))
    if (!this.#takeSign(']')) throw new NotJson()
  }
}

/** Line and column of an offset. */
export const placeAt = (text: string, offset: number): Place => {
  let line = 1
  let start = 0
  for (let end = text.indexOf('\n'); end >= 0 && end < offset; end = text.indexOf('\n', start)) {
    line++
    start = end + 1
  }
  return { line, column: offset - start + 1 }
}

/** `placeAt` for many offsets of one text. */
export const placesOf = (text: string): ((offset: number) => Place) => {
  const starts = [0]
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) {
    starts.push(end + 1)
  }
  return (offset) => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - starts[low]! + 1 }
  }
}

const want = (root: Wanted, path: Path): void => {
  let at = root
  for (const key of path.map(String)) {
    const child = at.inside.get(key) ?? { offset: null, inside: new Map() }
    at.inside.set(key, child)
    at = child
  }
}

/** The offset of the deepest value on a path that exists. */
const found = (root: Wanted, path: Path): number => {
  let offset = root.offset ?? 0
  let at: Wanted | undefined = root
  for (const key of path.map(String)) {
    at = at.inside.get(key)
    if (at === undefined || at.offset === null) break
    offset = at.offset
  }
  return offset
}

const walk = (text: string, root: Wanted): number | null => {
  const walker = new Walk(text)
  try {
    walker.document(root)
    return null
  } catch (thrown) {
    return thrown instanceof NotJson ? walker.at : 0 // nests deeper than the stack
  }
}

/** Where the values at `paths` stand, or their nearest parents that exist. */
export const jsonPlaces = (text: string, paths: readonly Path[]): ((path: Path) => Place) => {
  const root: Wanted = { offset: null, inside: new Map() }
  for (const path of paths) want(root, path)
  walk(text, root)
  return (path) => placeAt(text, found(root, path))
}

/** Offset at which the text ends to be JSON; null when it is JSON to its end. */
export const jsonFault = (text: string): number | null =>
  walk(text, { offset: null, inside: new Map() })
