import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonFault, jsonPlaces, placeAt, placesOf } from '../../../src/config/json-text.ts'

const place = (text: string, ...path: PropertyKey[]): string => {
  const { line, column } = jsonPlaces(text, [path])(path)
  return `${line}:${column}`
}

const TEXT = `{
  "a": 1,
  "b": [10, {"c": "x\\"}"}],
  "__proto__": {"d": null}
}`

test.each([
  [[], '1:1'],
  [['a'], '2:3'],
  [['b'], '3:3'],
  [['b', 0], '3:9'],
  [['b', 1, 'c'], '3:14'],
  [['__proto__', 'd'], '4:17'],
  [['b', 7], '3:3'], // the nearest parent
  [['gone', 'x'], '1:1'],
])('jsonPlaces() finds %j at %s', (path, expected) => {
  expect(place(TEXT, ...path)).toBe(expected)
})

test.each([
  ['', '1:1'],
  ['{"a": 1,}', '1:9'],
  ['[1,\n 2\n 3]', '3:2'],
  ['{"a": NaN}', '1:7'],
  ['{"a": 01}', '1:8'],
  ['{a: 1}', '1:2'],
  ['{"a": "\n"}', '1:7'],
  ['{"a": "\\x"}', '1:7'],
  ['{"a": 1} // no', '1:10'],
  ['{"a": {', '1:8'],
  ["{'a': 1}", '1:2'],
])('jsonFault() of %j is at %s', (text, expected) => {
  const { line, column } = placeAt(text, jsonFault(text) ?? -1)
  expect(`${line}:${column}`).toBe(expected)
})

test('jsonFault() does not run out of stack or time on hostile text', () => {
  expect(jsonFault('['.repeat(1_000_000))).not.toBe(null)
  expect(jsonFault(`"${'x\\n'.repeat(1_000_000)}"`)).toBe(null)
})

test('jsonFault() agrees with JSON.parse on what is JSON', () => {
  const damaged = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '}', '0', 'x', '\\'))
  fc.assert(
    fc.property(damaged, ([text, at, sign]) => {
      const cut = at % (text.length + 1)
      const mixed = text.slice(0, cut) + sign + text.slice(cut + 1)
      let isJson = true
      try {
        JSON.parse(mixed)
      } catch {
        isJson = false
      }
      expect(jsonFault(mixed) === null).toBe(isJson)
    }),
  )
})

/** Every path of a value with what stands there. */
const paths = (value: unknown, path: PropertyKey[] = []): PropertyKey[][] => [
  path,
  ...(Array.isArray(value)
    ? value.flatMap((child, i) => paths(child, [...path, i]))
    : typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, child]) => paths(child, [...path, key]))
      : []),
]

test('jsonPlaces() finds every key and element where it was written', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      const all = paths(value)
      const locate = jsonPlaces(text, all)
      for (const path of all) {
        const { line, column } = locate(path)
        const rest = text.split('\n')[line - 1]!.slice(column - 1)
        const last = path.at(-1)
        if (typeof last === 'string') expect(rest.startsWith(JSON.stringify(last))).toBe(true)
        else expect(rest).not.toBe('')
      }
    }),
  )
})

test.each(['', 'one line', '\n', 'a\nbc\n\n\r\nd\n'])(
  'placesOf() is placeAt() for all of %j',
  (text) => {
    const placeOf = placesOf(text)
    for (let at = 0; at <= text.length; at++) expect(placeOf(at)).toEqual(placeAt(text, at))
  },
)
