/** Rules and patterns on one text: what a rule is about is not brought back by a pattern in it. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maskPatterns, maskText } from '../../src/records/redact/values.ts'
import { type Redaction, TEXT_PATTERNS } from '../../src/shared/record-policy.ts'
import { caseOf, type GivenRow } from '../helpers/record-cases.ts'
import { readAll } from '../helpers/record-rig.ts'
import { digest, isAmong, redacted } from '../helpers/records/redacted.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const ROW: GivenRow = {
  ...{ note: '', age: null, isNew: true, color: 'red', height: 1, id: 7, count: null },
  ...{ scores: [0.25, 0.75], label: '' },
}
const MAIL = 'ann@example.org'

const secretText = (letter: string) =>
  fc
    .oneof(
      fc.string({ unit: fc.constantFrom(...'QXZJKW792'), minLength: 9, maxLength: 20 }),
      fc.string({ unit: fc.constantFrom(...'ЩЖЮ語'), minLength: 6, maxLength: 20 }),
    )
    .map((text) => letter + text)

const madeBy: Readonly<Record<string, (text: string) => string | undefined>> = {
  drop: () => undefined,
  hmac: digest,
  mask: maskText,
}

test('a text under a rule leaves nothing behind, though there is an address in it', () => {
  const secrets = fc.record({ note: secretText('N'), label: secretText('L') })
  const rules = fc.constantFrom<Redaction>({ kind: 'drop' }, { kind: 'hmac' }, { kind: 'mask' })
  fc.assert(
    fc.property(secrets, rules, fc.boolean(), (given, rule, isFirst) => {
      const withMail = (text: string) => (isFirst ? `${MAIL} ${text}` : `${text} ${MAIL}`)
      const [note, label] = [withMail(given.note), withMail(given.label)]
      const redact = { features: { note: rule }, outputs: { label: rule }, requestId: null }
      const policy = { redact, hmacKeyId: 'k1', patterns: TEXT_PATTERNS }
      const one = caseOf([{ ...ROW, note, label }], 1, policy)
      const bytes = redacted(one)
      for (const secret of [given.note, given.label, MAIL]) {
        expect(isAmong(bytes, secret)).toBe(false)
      }
      const { features, outputs } = readAll([bytes], [one.layout]).records[0]!.instances[0]!
      const { kind } = rule
      expect(features[`note__${kind}`]).toBe(madeBy[kind]!(note))
      expect(outputs?.[`label__${kind}`]).toBe(madeBy[kind]!(label))
    }),
  )
})

/** What an address is, said plainly, and at a hundred times the cost. */
const PLAIN =
  /[\p{L}\p{M}\p{N}._%+'-]{1,64}@(?:[\p{L}\p{M}\p{N}-]{1,63}\.){1,8}[\p{L}\p{M}\p{N}-]{2,63}/gu

test('addresses are found where the plain pattern finds them', () => {
  const parts = ['a', '@', '.', 'b.co', '-', '+', ' ', 'é', 'e\u0301', '\u0301', '語', '\u{1d49c}']
  const odd = ['\ud800', '\udc00', 'x'.repeat(63), 'y'.repeat(64), 'a.'.repeat(8), ',']
  const unit = fc.constantFrom(...parts, ...odd, '@', '.', 'ab')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
      expect(maskPatterns(text, ['email'])).toBe(text.replace(PLAIN, maskText))
    }),
    { numRuns: propertyRuns(1000) },
  )
})
