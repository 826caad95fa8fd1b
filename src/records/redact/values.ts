/** What redaction makes of one value: functions of the value alone. */

import type { TextPattern } from '../../shared/record-policy.ts'

const SPOKEN_ASCII = /[A-Za-z0-9]/g
const SPOKEN = /[\p{L}\p{N}\p{M}\p{Cs}]/gu
const ASCII = /^[\0-\x7f]*$/

/** Every letter and digit is `*`; the text keeps its length and its punctuation. */
export const maskText = (text: string): string =>
  ASCII.test(text)
    ? text.replaceAll(SPOKEN_ASCII, '*')
    : text.replaceAll(SPOKEN, (character) => '*'.repeat(character.length))

/** What a local part and a domain are made of: letters of any script, also with accents apart. */
const LETTERS = String.raw`\p{L}\p{M}\p{N}`

/**
 * An address as mail servers take it, `local@domain.top`: from its `@` on, with the local part as
 * its group. Parts are bounded, and looked for where there is an `@` alone, so that a text of a
 * megabyte takes no longer than a look at it.
 */
const EMAIL = new RegExp(
  [
    `(?<=([${LETTERS}._%+'-]{1,64}))@`,
    String.raw`(?:[${LETTERS}-]{1,63}\.){1,8}[${LETTERS}-]{2,63}`,
  ].join(''),
  'uy',
)

/** With those at which no line ends. */
const SPACES = String.raw` \u00a0\u2009\u202f`

/**
 * A number as people write it: with a country code or an area code in brackets, or in groups of
 * three, three and four. Digits alone are none: that would be every id and amount.
 */
const PHONE = new RegExp(
  [
    String.raw`(?<![\w.-])(?:\+\d[\d${SPACES}.()/-]{5,18}\d|`,
    String.raw`\(\d{2,5}\)[${SPACES}]?\d[\d${SPACES}.-]{4,12}\d|`,
    String.raw`\d{3}([-.${SPACES}])\d{3}\1\d{4})(?![\w-])`,
  ].join(''),
  'g',
)

const maskEmails = (text: string): string => {
  let masked = ''
  let end = 0
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at)) {
    EMAIL.lastIndex = at
    const [, local = ''] = EMAIL.exec(text) ?? []
    // Not what is part of an address before.
    const from = Math.max(end, at - local.length)
    if (from === at) at++
    else {
      at = EMAIL.lastIndex
      masked += text.slice(end, from) + maskText(text.slice(from, at))
      end = at
    }
  }
  return masked + text.slice(end)
}

/** Each pattern of `patterns` is masked wherever it stands; a text without one is the same text. */
export const maskPatterns = (text: string, patterns: readonly TextPattern[]): string => {
  let masked = text
  if (patterns.includes('email')) masked = maskEmails(masked)
  if (patterns.includes('phone')) masked = masked.replace(PHONE, (found) => maskText(found))
  return masked
}
