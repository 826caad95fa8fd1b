/** Text changed token by token: for formats of words and signs. */

import { damaged } from './bytes.ts'
import type { Random } from './random.ts'

const TOKEN = /\r\n|[A-Za-z0-9_.+]+|"(?:[^"\\]|\\.)*"|\s+|./gs

/** Texts of one format, and tokens that mean something in it. */
export interface Language {
  readonly texts: readonly string[]
  readonly tokens: readonly string[]
}

const change = (random: Random, tokens: string[], { texts, tokens: own }: Language): void => {
  const [a, b] = [random.below(tokens.length + 1), random.below(tokens.length + 1)]
  const token = tokens[a] ?? ''
  switch (random.below(7)) {
    case 0:
      tokens.splice(a, 1 + random.below(3))
      break
    case 1:
      tokens.splice(a, 0, ...new Array<string>(random.pick([1, 2, 200])).fill(token))
      break
    case 2:
      tokens[a] = tokens[b] ?? ''
      tokens[b] = token
      break
    case 3:
      tokens[a] = random.pick(own)
      break
    case 4:
      tokens.splice(a, 0, random.pick(own))
      break
    case 5:
      tokens.length = Math.min(tokens.length, a)
      break
    default:
      tokens.splice(a, 0, ...(random.pick(texts).match(TOKEN) ?? []).slice(0, 1 + random.below(30)))
  }
}

/** One of the texts, changed in up to five places; `encoding`: of its characters. */
export const tokenBytes = (
  random: Random,
  language: Language,
  encoding: 'utf8' | 'latin1' = 'utf8',
): Buffer => {
  const tokens = random.pick(language.texts).match(TOKEN) ?? []
  for (let changes = random.below(6); changes > 0; changes--) change(random, tokens, language)
  const text = Buffer.from(tokens.join(''), encoding)
  const donor = Buffer.from(random.pick(language.texts), encoding)
  return random.once(4) ? damaged(random, text, donor) : text
}
