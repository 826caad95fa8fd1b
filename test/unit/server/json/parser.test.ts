import { expect, test } from 'vitest'
import { parseJson } from '../../../../src/server/json/parser.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const parse = (text: string) => parseJson(bytes(text), 10)
const codeOf = (body: Uint8Array, depthMax = 10) => {
  const parsed = parseJson(body, depthMax)
  return 'code' in parsed ? parsed.code : 'accepted'
}

test.each([
  ['null', null],
  [' true\r\n', true],
  ['\tfalse', false],
  ['-0', -0],
  ['1E+2', 100],
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', 9007199254740993n],
  ['-18446744073709551616', -18446744073709551616n],
  ['9007199254740993.0', 9007199254740992],
  ['1e20', 1e20],
  ['""', ''],
  ['"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9"', '"\\/\b\f\n\r\té'],
  ['"\\ud83d\\ude00 😀"', '😀 😀'],
  ['"\u007f\u2028"', '\u007f\u2028'],
  ['[]', []],
  ['[[],[1,[2]]]', [[], [1, [2]]]],
  ['{}', new Map()],
  [
    '{"__proto__":{"a":1},"":[]}',
    new Map<string, unknown>([
      ['__proto__', new Map([['a', 1]])],
      ['', []],
    ]),
  ],
])('parseJson() reads %s', (text, value) => {
  expect(parse(text)).toEqual({ value })
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
  [
    '"\t"',
    '"\u0000"',
    '"\n"',
    '"\\a"',
    '"\\u12g4"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\u0041"',
    '"\\U0041"',
  ],
  ['1 1', '{}{}', '[]]', '{}}', '""""', 'null,', '\u0000', '[1]\u0000', '"a" b'],
].flat()

test.each(MALFORMED)('parseJson() refuses %j', (text) => {
  expect(codeOf(bytes(text))).toBe('REQUEST_MALFORMED')
})

test.each([
  ['a lone continuation byte', [0x80]],
  ['an overlong slash', [0xc0, 0xaf]],
  ['a surrogate in UTF-8', [0xed, 0xa0, 0x80]],
  ['a code point beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ['half a character', [0xe2, 0x82]],
])('parseJson() refuses %s in a string', (_title, inside) => {
  expect(codeOf(Uint8Array.of(0x22, ...inside, 0x22))).toBe('REQUEST_MALFORMED')
})

test('parseJson() says where the fault is', () => {
  expect(parse('{"a": [1, x]}')).toEqual({
    code: 'REQUEST_MALFORMED',
    detail: 'The body is not valid JSON: an unexpected character at byte 10',
  })
})

test('parseJson() refuses a key that stands twice, however it is written', () => {
  expect(parse('{"a":1,"b":{"a":1},"\\u0061":2}')).toEqual({
    code: 'DUPLICATE_KEY',
    detail: "The key 'a' stands twice in one object",
  })
  expect(codeOf(bytes('{"__proto__":1,"__proto__":2}'))).toBe('DUPLICATE_KEY')
})

test('parseJson() calls text that is no JSON so before it looks for double keys', () => {
  expect(codeOf(bytes('{"a":1,"a":NaN}'))).toBe('REQUEST_MALFORMED')
})

test('parseJson() refuses one level more than the limit', () => {
  const nested = (depth: number) => bytes('['.repeat(depth) + ']'.repeat(depth))
  expect(codeOf(nested(3), 3)).toBe('accepted')
  expect(codeOf(nested(4), 3)).toBe('REQUEST_TOO_DEEP')
  expect(codeOf(bytes('{"a":'.repeat(1_000_000)), 100)).toBe('REQUEST_TOO_DEEP')
})

test.each(['1e309', '-1e309', `1${'0'.repeat(400)}`, '[1e999999999999]'])(
  'parseJson() refuses %s, which no double holds',
  (text) => {
    expect(codeOf(bytes(text))).toBe('INPUT_VALUE_INVALID')
  },
)
