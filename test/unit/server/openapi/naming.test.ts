import fc from 'fast-check'
import { expect, test } from 'vitest'
import { code, labelsOf } from '../../../../src/server/openapi/naming.ts'

test('labelsOf() are the names, with a number where only case or punctuation differs', () => {
  const labels = labelsOf(['a-b', 'a_b', 'A.B', 'ab2', 'c'])
  expect([...labels]).toEqual([
    ['a-b', 'a-b'],
    ['a_b', 'a_b_2'],
    ['A.B', 'A.B_3'],
    ['ab2', 'ab2_2'],
    ['c', 'c'],
  ])
})

test('labelsOf() differ whatever a generator makes of case and punctuation', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[aA1][aA1._-]{0,4}$/), { maxLength: 30 })
  const property = fc.property(names, (all) => {
    const labels = [...labelsOf(all).values()]
    const normal = labels.map((label) => label.toLowerCase().replaceAll(/[._-]/g, ''))
    expect(new Set(normal).size).toBe(all.length)
  })
  fc.assert(property)
})

test.each([
  ['a_b_c', '`a_b_c`'],
  ['a`b', '`` a`b ``'],
  ['``', '``` `` ```'],
])('code() of %s is %s', (name, wanted) => {
  expect(code(name)).toBe(wanted)
})
