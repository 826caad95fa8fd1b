/** Protobuf text format: what was written is read; whatever else comes is a tree or a fault. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type PbField, type PbValue, parseTextFormat } from '../../src/config/text-format.ts'
import { expectProportional, GROWTH } from '../helpers/proportion.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import {
  type Choose,
  printTree,
  type Tree,
  trees,
  type Value,
} from '../helpers/text-format-trees.ts'

type Parse = typeof parseTextFormat

const treeOf = (fields: readonly PbField[]): Tree =>
  fields.map(({ name, isList, values }) => ({ name, isList, values: values.map(plainValue) }))

const plainValue = (value: PbValue): Value => {
  const { offset: _, ...rest } = value
  return rest.kind === 'message' ? { kind: 'message', fields: treeOf(rest.fields) } : rest
}

/** A tree, a style and so what was written. */
const written = fc.tuple(trees, fc.infiniteStream(fc.nat(1000))).map(([tree, stream]) => {
  const choose: Choose = (ways) => (stream.next().value as number) % ways
  return { tree, text: printTree(tree, choose) }
})

test('parseTextFormat() reads every tree back, however it was written', () => {
  const property = fc.property(written, ({ tree, text }) => {
    const fields = parseTextFormat(text)
    if ('message' in fields) throw new Error(`${fields.line}:${fields.column} ${fields.message}`)
    expect(treeOf(fields)).toEqual(tree)
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

/** What is wrong with how a text is treated; null when nothing is. */
const faultOf = (text: string, parse: Parse = parseTextFormat): string | null => {
  try {
    const result = parse(text)
    if (!('message' in result)) return null
    const { line, column, message } = result
    const lines = text.split('\n')
    const isInside = line >= 1 && column >= 1 && column <= (lines[line - 1]?.length ?? -1) + 1
    if (!isInside) return `${line}:${column} is outside the text`
    return /undefined|\[object|NaN/.test(message) ? `an unclear reason: ${message}` : null
  } catch (thrown) {
    return `it threw ${String(thrown)}`
  }
}

/** Signs with a meaning, and some without. */
const sign = fc.constantFrom(...'{}<>[]:;,.-/#"\'\\ \n\0', '0', '9', 'x', 'e', 'u', 'U', 'é', '+')

/** A text with one thing wrong: cut off, a part gone or twice, a sign put in or exchanged. */
const damaged = fc
  .tuple(written, fc.nat(), fc.nat(), sign, fc.constantFrom('cut', 'gone', 'twice', 'in', 'other'))
  .map(([{ text }, a, b, other, how]) => {
    const [from, to] = [a, b].map((at) => at % (text.length + 1)).sort((x, y) => x - y) as [
      number,
      number,
    ]
    if (how === 'cut') return text.slice(0, from)
    if (how === 'gone') return text.slice(0, from) + text.slice(to)
    if (how === 'twice') return text.slice(0, to) + text.slice(from)
    return text.slice(0, from) + other + text.slice(how === 'in' ? from : from + 1)
  })

test('parseTextFormat() gives a tree or a fault with a place for damaged text', () => {
  const property = fc.property(damaged, (text) => faultOf(text) === null)
  fc.assert(property, { numRuns: propertyRuns(500) })
})

test('parseTextFormat() gives a tree or a fault for every beginning of a text', () => {
  const property = fc.property(written, ({ text }) => {
    for (let end = 0; end <= text.length; end++) expect(faultOf(text.slice(0, end))).toBe(null)
  })
  fc.assert(property, { numRuns: propertyRuns(8) })
})

test('parseTextFormat() gives a tree or a fault for any text', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(sign).map((signs) => signs.join('')),
  )
  fc.assert(fc.property(text, (any) => faultOf(any) === null))
})

test('the properties notice a parser that throws', () => {
  const careless: Parse = (text) => {
    const result = parseTextFormat(text)
    if ('message' in result && result.message.includes('end of the file')) throw result
    return result
  }
  const property = fc.property(damaged, (text) => faultOf(text, careless) === null)
  expect(fc.check(property, { numRuns: propertyRuns(2000) }).failed).toBe(true)
})

const SHORT = 64 * 1024

test.each([
  ['comments', '#\n'],
  ['one comment', '#'],
  ['blanks', ' \t'],
  ['fields', 'a:1 '],
  ['messages', 'a{}'],
  ['levels', 'a{'],
  ['brackets', '['],
  ['digits', '1'],
  ['letters', 'a'],
  ['a name in parts', '[a', '.a'],
  ['a list', 'a:[1', ',1'],
  ['adjacent strings', 'a:', '""'],
  ['escapes', 'a:"', '\\n'],
  ['code points', 'a:"', '\\U0001F600'],
  ['backslashes', 'a:"', '\\'],
  ['a string', 'a:"', "'é"],
  ['signs', 'a:', '-'],
  ['points', 'a:1', '.'],
])('parseTextFormat() reads %s in time that is linear', (_, first, more = first) => {
  const reading = (length: number, end: string) => {
    const text = first + more.repeat(length / more.length) + end
    return () => expect(faultOf(text)).toBe(null)
  }
  for (const end of ['', '"']) {
    expectProportional(reading(SHORT, end), reading(GROWTH * SHORT, end))
  }
})
