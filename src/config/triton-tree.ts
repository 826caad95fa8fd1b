/** From a tree of text format to the values of known keys, and what is to be said of the others. */

import { nearest } from '../shared/nearest.ts'
import { didYouMean } from './problems.ts'
import { oneOf, shortened, shownValue } from './schema-text.ts'
import {
  FALSE,
  type ObeyedKey,
  type OtherKey,
  type Section,
  type TritonKeys,
} from './schemas/triton-keys.ts'
import type { PbField, PbValue } from './text-format.ts'

/** Something to say about a place. */
export interface Remark {
  readonly offset: number
  /** Dotted key. */
  readonly path: string
  readonly message: string
  readonly hint: string | null
}

/** More help nobody, and to find the place of each costs time. */
const REMARKS_MAX = 100

/** Problems end in a refusal, warnings do not. */
export class Remarks {
  readonly problems: Remark[] = []
  readonly warnings: Remark[] = []

  /** No other is taken. */
  get hasAllWarnings(): boolean {
    return this.warnings.length >= REMARKS_MAX
  }

  problem(offset: number, path: string, message: string, hint: string | null = null): void {
    if (this.problems.length < REMARKS_MAX) this.problems.push({ offset, path, message, hint })
  }

  warning(offset: number, path: string, message: string, hint: string | null = null): void {
    if (this.warnings.length < REMARKS_MAX) this.warnings.push({ offset, path, message, hint })
  }
}

export interface ReadValue {
  readonly offset: number
  readonly value: string | number | boolean
}

/** The obeyed keys of a message, by name; what is not there is an empty list. */
export interface ReadMessage {
  readonly offset: number
  /** Whether a field stands there, whatever its value. */
  has(name: string): boolean
  values(name: string): readonly ReadValue[]
  messages(name: string): readonly ReadMessage[]
}

/** The first value of a key that is not repeated. */
export const firstOf = (message: ReadMessage | undefined, name: string): ReadValue | undefined =>
  message?.values(name)[0]

export const numbersOf = (values: readonly ReadValue[]): number[] =>
  values.map(({ value }) => Number(value))

const decoder = new TextDecoder('utf-8', { fatal: true })

/** Text of a string; null where its bytes are none. */
const textOf = (bytes: Uint8Array): string | null => {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}

/** A plain value as it would be compared; null for a message. */
const plainText = (value: PbValue): string | null => {
  if (value.kind === 'message') return null
  if (value.kind === 'word') return value.word
  return value.kind === 'string' ? textOf(value.bytes) : String(value.value)
}

const KINDS: Readonly<Record<PbValue['kind'], string>> = {
  integer: 'a number',
  float: 'a number with a fraction',
  string: 'a string',
  word: 'a word',
  message: 'a message',
}

const shown = (value: PbValue): string => {
  const text = value.kind === 'float' ? null : plainText(value)
  if (value.kind === 'string') return text === null ? 'bytes that are no UTF-8' : shownValue(text)
  return text === null ? KINDS[value.kind] : shortened(text)
}

const quoted = (word: string): string => `\`${word}\``

const wantedOf = ({ type, min, max, words }: ObeyedKey): string => {
  if (type === 'boolean') return '`true` or `false`'
  if (words !== undefined) return oneOf(words.filter((word) => word !== '').map(quoted))
  if (type === 'string') return 'a string'
  return `an integer ${min} to ${max}`
}

/** The value that an obeyed key takes; null for another. */
const readValue = (value: PbValue, key: ObeyedKey): ReadValue['value'] | null => {
  const { type, words, min = -Infinity, max = Infinity, firstNumber = 0 } = key
  if (type === 'integer') {
    const number = value.kind === 'integer' ? Number(value.value) : -Infinity
    return number > -Infinity && number >= min ? Math.min(number, max) : null
  }
  // One for the other is a slip that Triton refuses as well.
  if (value.kind === 'float' || (value.kind === 'string') !== (type === 'string')) return null
  if (type === 'enum' && value.kind === 'integer') {
    return words?.[Number(value.value) - firstNumber] ?? null
  }
  const text = plainText(value)
  if (text === null || !(words?.includes(text) ?? true)) return null
  return type === 'boolean' ? !FALSE.includes(text) : text
}

/** Adds to the list under a name. One by one: a file may hold more than a call takes arguments. */
const addAll = <T>(lists: Map<string, T[]>, name: string, more: readonly T[]): void => {
  const list = lists.get(name) ?? []
  for (const each of more) list.push(each)
  lists.set(name, list)
}

const isSection = (key: TritonKeys[string]): key is Section => 'keys' in key

export class TreeReader {
  readonly #remarks: Remarks

  constructor(remarks: Remarks) {
    this.#remarks = remarks
  }

  read(fields: readonly PbField[], keys: TritonKeys, offset = 0, path = ''): ReadMessage {
    const values = new Map<string, ReadValue[]>()
    const messages = new Map<string, ReadMessage[]>()
    const seen = new Set<string>()
    const remarked = new Set<string>()
    for (const field of fields) {
      const { name } = field
      const at = path === '' ? shortened(name) : `${path}.${shortened(name)}`
      const isFirst = !seen.has(name)
      seen.add(name)
      const key = Object.hasOwn(keys, name) ? keys[name] : undefined
      if (key === undefined) {
        if (isFirst) this.#unknown(field, at, Object.keys(keys))
        continue
      }
      if (!this.#mayStand(field, key, isFirst, at)) continue
      if (isSection(key)) addAll(messages, name, this.#messages(field, key, at))
      else if (key.verdict === 'obeyed') {
        const before = values.get(name)?.length ?? 0
        addAll(values, name, this.#values(field, key, before, at))
      } else if (!remarked.has(name) && this.#other(field, key, at)) remarked.add(name)
    }
    return {
      offset,
      has: (name) => seen.has(name),
      values: (name) => values.get(name) ?? [],
      messages: (name) => messages.get(name) ?? [],
    }
  }

  #unknown({ name, offset }: PbField, path: string, known: readonly string[]): void {
    if (this.#remarks.hasAllWarnings) return
    const near = nearest(name, known)
    const hint = near === null ? null : didYouMean(near)
    this.#remarks.warning(offset, path, `Unknown key '${shortened(name)}': it does nothing`, hint)
  }

  /** Whether a field may stand here; only what is repeated may do so again, or as a list. */
  #mayStand(
    { offset, isList }: PbField,
    key: TritonKeys[string],
    isFirst: boolean,
    path: string,
  ): boolean {
    if (key.isRepeated || (isFirst && !isList)) return true
    this.#remarks.problem(offset, path, isList ? 'takes one value, not a list' : 'stands twice')
    return false
  }

  #messages({ values }: PbField, key: Section, path: string): ReadMessage[] {
    return values.flatMap((value) => {
      if (value.kind === 'message') return this.read(value.fields, key.keys, value.offset, path)
      this.#remarks.problem(value.offset, path, `got ${shown(value)}; wanted '{'`)
      return []
    })
  }

  /** `before`: values that the key has already. What follows one too many is not looked at. */
  #values(field: PbField, key: ObeyedKey, before: number, path: string): ReadValue[] {
    const { values, isList, offset } = field
    const { countMax = Infinity, max = Infinity } = key
    const room = countMax - before
    if (values.length > room && room >= 0) {
      const { offset: place } = values[room]!
      this.#remarks.problem(place, path, `has more than ${countMax} values`)
    }
    return values.slice(0, Math.max(0, room + 1)).flatMap((value) => {
      const read = readValue(value, key)
      // So that the reader's eye lands on the name, as in YAML.
      const place = isList ? value.offset : offset
      if (value.kind === 'integer' && key.type === 'integer' && value.value > max) {
        this.#remarks.warning(place, path, `got ${shown(value)}, which counts as ${max}`)
      }
      if (read !== null) return { offset: place, value: read }
      const word = value.kind === 'word' || value.kind === 'string' ? plainText(value) : null
      const near = word === null ? null : nearest(word, key.words ?? [])
      const hint = near === null ? (key.hint ?? null) : didYouMean(near)
      this.#remarks.problem(place, path, `got ${shown(value)}; wanted ${wantedOf(key)}`, hint)
      return []
    })
  }

  /** Whether there is something to say. */
  #other({ offset, values }: PbField, key: OtherKey, path: string): boolean {
    const { harmless = [], hint = null, says, verdict } = key
    if (values.every((value) => harmless.includes(plainText(value) ?? '{'))) return false
    if (verdict === 'refused') this.#remarks.problem(offset, path, `is not served: ${says}`, hint)
    else this.#remarks.warning(offset, path, `is not obeyed: ${says}`, hint)
    return true
  }
}
