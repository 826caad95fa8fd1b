import { expect, test } from 'vitest'
import {
  EXTRA_CHARACTERS_MAX,
  EXTRAS_MAX,
  type FeatureExtras,
  noteExtra,
} from '../../../src/shared/feature-extras.ts'

const noted = (texts: readonly (string | null)[]): FeatureExtras | null => {
  let extras: FeatureExtras | null = null
  for (const [row, text] of texts.entries()) extras = noteExtra(extras, row, 1, text)
  return extras
}

test('noteExtra() keeps entries in their order', () => {
  expect(noted(['a', null, 'b'])).toEqual({
    ...{ rows: [0, 1, 2], features: [1, 1, 1], texts: ['a', null, 'b'] },
    ...{ characters: 2, isCut: false },
  })
})

const full = new Array<null>(EXTRAS_MAX).fill(null)
const long = 'x'.repeat(EXTRA_CHARACTERS_MAX)

test.each([
  ['entries', [...full], [...full, null]],
  ['characters', [long, ''], [long, 'y']],
  ['characters of one text', [long], [`${long}x`]],
])('noteExtra() lets all go where there are too many %s', (_, fitting, tooMany) => {
  expect(noted(fitting)).toMatchObject({ isCut: false, rows: { length: fitting.length } })
  for (const texts of [tooMany, [...tooMany, 'z', null]]) {
    expect(noted(texts)).toMatchObject({ isCut: true, rows: [], features: [], texts: [] })
  }
})
