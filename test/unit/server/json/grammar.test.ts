import { expect, test } from 'vitest'
import { findFault } from '../../../../src/server/json/grammar.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const codeOf = (body: Uint8Array, depthMax = 10) => findFault(body, depthMax)?.code ?? 'accepted'

test.each([
  ...['null', ' true\r\n', '\tfalse', '-0', '1E+2', '9007199254740993', '1e20', '1e999', '0e-9'],
  ...['""', '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9"', '"\\ud83d\\ude00 😀"', '"\u007f\u2028"'],
  ...['[]', '[ ]', '[[],[1,[2]]]', '{}', '{ }', '{"__proto__":{"a":1},"":[]}', '{"a":1,"a":2}'],
])('findFault() finds none in %s', (text) => {
  expect(findFault(bytes(text), 10)).toBeNull()
})

/** After the "n_" cases of github.com/nst/JSONTestSuite, and our own. */
const MALFORMED = [
  ['', '{', '[', '"', '{"a"', '{"a":', '{"a":1', '{"a":1,', '[1', '[1,', '"a', '"\\', '"\\u12'],
  [
    '[1,]',
    '[,1]',
    '[1,,2]',
    '[1 2]',
    '{,}',
    '{"a":1,}',
    '{"a" 1}',
    '{a:1}',
    "{'a':1}",
    '{1:1}',
    '{"a"::1}',
  ],
  [
    'nul',
    'nulll',
    'True',
    'tru',
    'NaN',
    'Infinity',
    '-Infinity',
    'undefined',
    '// 1',
    '/**/1',
    '\u00a01',
    '\ufeff1',
  ],
  [
    '01',
    '-',
    '-01',
    '+1',
    '.5',
    '1.',
    '1.e5',
    '1e',
    '1e+',
    '0x1',
    '1_000',
    '- 1',
    '--1',
    '1.2.3',
    '1e1.5',
  ],
  ['"\t"', '"\u0000"', '"\n"', '"\\a"', '"\\u12g4"', '"\\ud800\\u12g4"', '"\\ud800\\', '"\\U0041"'],
  ['1 1', '{}{}', '[]]', '{}}', '""""', 'null,', '\u0000', '[1]\u0000', '"a" b'],
].flat()

test.each(MALFORMED)('findFault() refuses %j', (text) => {
  expect(codeOf(bytes(text))).toBe('REQUEST_MALFORMED')
})

test.each([
  ['a lone continuation byte', [0x80]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['a surrogate in UTF-8', [0xed, 0xa0, 0x80]],
  ['a code point beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['half a character', [0xe2, 0x82]],
])('findFault() refuses %s in a string', (_title, inside) => {
  expect(codeOf(Uint8Array.of(0x22, ...inside, 0x22))).toBe('REQUEST_MALFORMED')
})

test('findFault() says where the fault is', () => {
  expect(findFault(bytes('{"a": [1, x]}'), 10)).toEqual({
    code: 'REQUEST_MALFORMED',
    detail: 'The body is not valid JSON: an unexpected character at byte 10',
  })
})

test.each(['\\ud800', 'a\\udc00', '\\ud800\\u0041', '\\ud800\\ud800\\udc00', '\\udbff\\ue000'])(
  'findFault() finds half of a surrogate pair in %s, where all the rest is right',
  (text) => {
    expect(findFault(bytes(`["a","${text}"]`), 10)).toEqual({
      code: 'INPUT_VALUE_INVALID',
      detail: 'The string at byte 5 holds half of a surrogate pair',
    })
    expect(codeOf(bytes(`["a","${text}",]`))).toBe('REQUEST_MALFORMED')
    expect(codeOf(bytes(`{"${text}":1}`))).toBe('INPUT_VALUE_INVALID')
  },
)

test('findFault() refuses one level more than the limit', () => {
  const nested = (depth: number) => bytes('['.repeat(depth) + ']'.repeat(depth))
  expect(codeOf(nested(3), 3)).toBe('accepted')
  expect(codeOf(nested(4), 3)).toBe('REQUEST_TOO_DEEP')
  expect(codeOf(bytes('{"a":'.repeat(1_000_000)), 100)).toBe('REQUEST_TOO_DEEP')
})
