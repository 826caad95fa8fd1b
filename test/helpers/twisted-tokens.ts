/** JSON whose tokens were mixed up: nearly right in more ways than damaged bytes are. */

import fc from 'fast-check'
import { perhapsDamaged } from './damaged-json.ts'

const TOKEN = /"(?:[^"\\]|\\.)*"|[-+.0-9eE]+|[a-z]+|[^\s\w]|\s+/gs

const STRUCTURE = [',', ':', '[', ']', '{', '}']
const NUMBERS = ['0', '1', '2', '3', '4', '-1', '1.5', '1e39', '-1e400']
const VALUES = ['""', '"a"', 'null', 'true', '[]', '{}', '"features"', ...NUMBERS]

type Change = (tokens: readonly string[]) => string[]

interface Twist {
  readonly kind: 'remove' | 'insert' | 'replace' | 'double' | 'exchange' | 'end' | 'twice'
  readonly among: 'structure' | 'values' | 'all'
  readonly at: number
  readonly length: number
  readonly token: number
}

const isAmong = (token: string, among: Twist['among']): boolean => {
  if (among === 'all') return true
  return STRUCTURE.includes(token) === (among === 'structure') && token.trim() !== ''
}

/** `{a}` becomes `{a,a}`. */
const twice = (tokens: readonly string[]): string[] => {
  const inner = tokens.slice(tokens.indexOf('{') + 1, tokens.lastIndexOf('}'))
  return ['{', ...inner, ',', ...inner, '}']
}

const changeOf =
  ({ kind, among, at, length, token }: Twist): Change =>
  (tokens) => {
    const places = [...tokens.keys()].filter((i) => isAmong(tokens[i]!, among))
    const place = places[at % places.length] ?? 0
    const others = among === 'structure' ? STRUCTURE : VALUES
    const other = others[token % others.length]!
    switch (kind) {
      case 'remove':
        return tokens.toSpliced(place, 1)
      case 'insert':
        return tokens.toSpliced(place, 0, among === 'structure' && length > 2 ? ',' : other)
      case 'replace':
        return tokens.toSpliced(place, 1, other)
      case 'double':
        return tokens.toSpliced(place, 0, ...tokens.slice(place, place + length))
      case 'exchange':
        return tokens.toSpliced(place, 1, tokens[places[token % places.length] ?? 0] ?? '')
      case 'end':
        return [...tokens, other]
      case 'twice':
        return twice(tokens)
    }
  }

const change: fc.Arbitrary<Change> = fc
  .record<Twist>({
    kind: fc.constantFrom('remove', 'insert', 'replace', 'double', 'exchange', 'end', 'twice'),
    among: fc.constantFrom('structure', 'values', 'all'),
    at: fc.nat(),
    length: fc.integer({ min: 1, max: 6 }),
    token: fc.nat(),
  })
  .map(changeOf)

/** Tokens left out, doubled, exchanged or put in. */
const twisted = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(texts, fc.array(change, { minLength: 1, maxLength: 2 }))
    .map(([text, changes]) =>
      changes.reduce<string[]>((tokens, apply) => apply(tokens), text.match(TOKEN) ?? []).join(''),
    )

/** The bytes of the texts: unchanged half of the time, else damaged or with tokens mixed up. */
export const perhapsWrong = (texts: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    texts.map((text) => new TextEncoder().encode(text)),
    perhapsDamaged(texts),
    twisted(texts).map((text) => new TextEncoder().encode(text)),
  )
