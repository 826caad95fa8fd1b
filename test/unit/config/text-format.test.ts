/**
 * Golden values are the examples of the "Text Format Language Specification" of protobuf.dev, by
 * its sections.
 */

import { describe, expect, test } from 'vitest'
import { parseTextFormat } from '../../../src/config/text-format.ts'
import { faultOf, plainTree } from '../../helpers/text-format.ts'

describe('parseTextFormat() reads', () => {
  test.each<readonly [string, string, unknown]>([
    [
      'messages, lists and enums (Example)',
      `convolution_benchmark {
         label: "NHWC_128x20x20x56x160"
         input {
           dimension: [128, 56, 20, 20]
           data_type: DATA_HALF
           format: TENSOR_NHWC
         }
       }`,
      [
        {
          convolution_benchmark: [
            { label: '"NHWC_128x20x20x56x160"' },
            {
              input: [
                { dimension: [128n, 56n, 20n, 20n] },
                { data_type: 'DATA_HALF' },
                { format: 'TENSOR_NHWC' },
              ],
            },
          ],
        },
      ],
    ],
    [
      'a sign apart from its number (Parsing Overview)',
      'value: -2.0 value: - 2.0 value: -\n# comment\n2.0',
      [{ value: -2 }, { value: -2 }, { value: -2 }],
    ],
    [
      'numbers next to signs (Parsing Overview)',
      'foo: 10 bar: 20 foo: 10,bar: 20 foo: 10[com.foo.ext]: 20',
      [
        ...[{ foo: 10n }, { bar: 20n }, { foo: 10n }, { bar: 20n }],
        ...[{ foo: 10n }, { '[com.foo.ext]': 20n }],
      ],
    ],
    [
      'integers of all kinds (Numeric Literals)',
      'a: 0 a: 7 a: -7 a: 010 a: -017 a: 00 a: 0x1F a: -0Xff a: 18446744073709551615',
      [0n, 7n, -7n, 8n, -15n, 0n, 31n, -255n, 18446744073709551615n].map((a) => ({ a })),
    ],
    [
      'floats of all kinds (Numeric Literals)',
      'a: 10f a: 1.0f a: .5 a: 1. a: 2.E-1F a: 1e5 a: -.5e+1 a: 0.25 a: 1e999 a: -inf a: -NaN',
      [
        ...[10, 1, 0.5, 1, 0.2, 100000, -5, 0.25, Number.POSITIVE_INFINITY],
        ...[Number.NEGATIVE_INFINITY, Number.NaN],
      ].map((a) => ({ a })),
    ],
    [
      'words, those of infinity and NaN among them',
      'a: inf a: nan a: true a: _x9',
      [{ a: 'inf' }, { a: 'nan' }, { a: 'true' }, { a: '_x9' }],
    ],
    [
      'strings in parts (Literals)',
      `a_string: "first part" 'second part'
           # between
           "third part"
       no_whitespace: "first""second"'third''fourth'`,
      [
        { a_string: '"first partsecond partthird part"' },
        { no_whitespace: '"firstsecondthirdfourth"' },
      ],
    ],
    [
      'quotes within the other quotes',
      `a: "it's" a: 'a "word"' a: ""`,
      [{ a: `"it's"` }, { a: '"a "word""' }, { a: '""' }],
    ],
    [
      'fields of extensions and of Any (Field Names)',
      `reg_message { foo: "bar" }
       [com.foo.ext.message] { foo: "bar" }
       any_value { [ type.googleapis.com / com.foo.any ] { foo: "bar" } }`,
      [
        { reg_message: [{ foo: '"bar"' }] },
        { '[com.foo.ext.message]': [{ foo: '"bar"' }] },
        { any_value: [{ '[type.googleapis.com/com.foo.any]': [{ foo: '"bar"' }] }] },
      ],
    ],
    [
      'messages with and without colon, in both brackets (Fields)',
      'm: {} m {} m: < a: 1 > m < b { c: 2 } > m: [{}, {}] m [{ a: 1 }, < >] m []',
      [
        ...[{ m: [] }, { m: [] }, { m: [{ a: 1n }] }, { m: [{ b: [{ c: 2n }] }] }],
        ...[{ m: [[], []] }, { m: [[{ a: 1n }], []] }, { m: [] }],
      ],
    ],
    [
      'separators after fields (Fields)',
      'a: 1; b: 2, m { c: 3; }; l: [1, 2],',
      [{ a: 1n }, { b: 2n }, { m: [{ c: 3n }] }, { l: [1n, 2n] }],
    ],
    ['nothing', ' # a comment without end', []],
    ['nothing at all', '', []],
  ])('%s', (_, text, tree) => {
    expect(plainTree(text)).toEqual(tree)
  })

  test.each([
    [
      'every letter',
      String.raw`"\a\b\f\n\r\t\v\?\\\'\""`,
      [7, 8, 12, 10, 13, 9, 11, 63, 92, 39, 34],
    ],
    [
      'octal, of at most three digits',
      String.raw`"\1234\5Hello\0"`,
      [0o123, 52, 5, ...Buffer.from('Hello'), 0],
    ],
    [
      'bytes that are no text',
      String.raw`"\377\xFE\xfhello"`,
      [255, 254, 15, ...Buffer.from('hello')],
    ],
    [
      'hexadecimal, of at most two digits',
      String.raw`"\x213\x3world"`,
      [33, 51, 3, ...Buffer.from('world')],
    ],
    ['code points', String.raw`"\u00e9\U0001F600\U0010ffff"`, [...Buffer.from('é😀\u{10ffff}')]],
    ['surrogate pairs', String.raw`"\uD83D\uDE00"`, [...Buffer.from('😀')]],
    ['none', `"é😀 #{}\t"`, [...Buffer.from('é😀 #{}\t')]],
  ])('escapes: %s', (_, text, bytes) => {
    const fields = parseTextFormat(`a: ${text}`)
    expect(fields).toMatchObject([{ values: [{ kind: 'string', bytes: Uint8Array.from(bytes) }] }])
  })
})

test('parseTextFormat() says where fields and values begin, and what is a list', () => {
  expect(parseTextFormat('a: [ 1, - 2 ]\n b { c: "x" "y" }')).toMatchObject([
    { name: 'a', offset: 0, isList: true, values: [{ offset: 5 }, { offset: 8, value: -2n }] },
    {
      ...{ name: 'b', offset: 15, isList: false },
      values: [{ offset: 17, fields: [{ name: 'c', offset: 19, values: [{ offset: 22 }] }] }],
    },
  ])
})

const deep = (levels: number): string => `${'m {'.repeat(levels)}${'}'.repeat(levels)}`

test('parseTextFormat() takes 64 levels, not 65', () => {
  expect(parseTextFormat(deep(64))).toHaveLength(1)
  expect(faultOf(deep(65))).toBe('1:195 messages nest deeper than 64')
})

test.each([
  ['a value without colon', 'scalar  10', `1:9 wanted ':' or '{' after 'scalar'; found a number`],
  ['a list without colon', 'scalars  [1, 2]', `1:10 wanted ':' before a list of plain values`],
  ['no value', 'a:\n  b: 1', `2:4 wanted the name of a field; found ':'`],
  ['no value at the end', 'a:', '1:3 wanted a value; found the end of the file'],
  ['a number as name', '1: 5', '1:1 wanted the name of a field; found a number'],
  ['a string as name', '{"a": 1}', `1:1 wanted the name of a field; found '{'`],
  [
    'a message that is not closed',
    'm {\n a: 1\n',
    `3:1 wanted a field or '}'; found the end of the file`,
  ],
  ['another bracket at the end', 'm { a: 1 >', `1:10 wanted a field or '}'; found '>'`],
  ['a bracket too many', 'm { } }', `1:7 wanted the name of a field; found '}'`],
  ['two separators', 'a: 1,,', `1:6 wanted the name of a field; found ','`],
  [
    'a comma at the end of a list',
    'a: [1,]',
    `1:7 wanted a value: no comma stands before the end of a list; found ']'`,
  ],
  ['a list that is not closed', 'a: [1 2]', `1:7 wanted ',' or ']'; found a number`],
  ['a list in a list', 'a: [[1]]', `1:5 wanted a value; found '['`],
  [
    'a message among numbers',
    'a: [1, {}]',
    `1:8 wanted a plain value like those before it; found '{'`,
  ],
  ['a number among messages', 'a: [{}, 1]', `1:9 wanted '{'; found a number`],
  ['a string that goes over a line', 'a: "x\ny"', '1:6 wanted " before the end of the line'],
  ['a string that ends with the file', `a: 'x`, `1:6 wanted ' before the end of the line`],
  ['a backslash at the end', 'a: "x\\', '1:7 wanted " before the end of the line'],
  [
    'an unknown escape',
    'a: "\\q"',
    `1:5 wanted one of a b f n r t v ? \\ ' " x u U or an octal number in an escape`,
  ],
  [
    'an escape without digits',
    'a: "\\xg"',
    '1:5 wanted one or two hexadecimal digits in an escape',
  ],
  ['an octal byte too large', 'a: "\\400"', '1:5 wanted an octal number up to 377 in an escape'],
  ['a short code point', 'a: "\\u12"', '1:5 wanted four hexadecimal digits in an escape'],
  [
    'a code point too large',
    'a: "\\U00110000"',
    '1:5 wanted eight hexadecimal digits up to 0010ffff in an escape',
  ],
  ['half a pair', 'a: "\\ud83d"', '1:5 half of a surrogate pair stands for no character'],
  ['the other half', 'a: "\\U0000dc00"', '1:5 half of a surrogate pair stands for no character'],
  [
    'a number that runs into a name',
    'foo: 10bar: 20',
    '1:8 wanted a space or a sign after a number',
  ],
  ['a point apart', 'value: 2 . 0', `1:10 wanted the name of a field; found '.'`],
  ['two points', 'a: 1.2.3', '1:7 wanted a space or a sign after a number'],
  ['hexadecimal without digits', 'a: 0x', '1:5 wanted a space or a sign after a number'],
  ['an octal 8', 'a: 08', '1:4 a number that begins with 0 is octal: digits 0 to 7 only'],
  ['an octal fraction', 'a: 01.5', '1:4 a number that begins with 0 is octal: digits 0 to 7 only'],
  ['an endless number', `a: ${'9'.repeat(1001)}`, '1:4 a number has more than 1000 digits'],
  ['a sign without number', 'a: -true', `1:5 wanted a number after '-'; found a name`],
  ['two signs', 'a: --1', `1:5 wanted a number after '-'; found '-'`],
  ['a plus', 'a: +1', `1:4 '+' has no meaning here`],
  ['a NUL', 'a: "\0"', '1:5 a character outside ASCII or of control has no meaning here'],
  [
    'a letter of another alphabet',
    'é: 1',
    '1:1 a character outside ASCII or of control has no meaning here',
  ],
  ['an extension without name', '[]: 1', `1:2 wanted a name; found ']'`],
  ['half an extension', '[a.b', `1:5 wanted '.', '/' or ']'; found the end of the file`],
  ['two domains', '[a/b/c] {}', `1:5 wanted '.' or ']'; found '/'`],
])('parseTextFormat() refuses %s', (_, text, fault) => {
  expect(faultOf(text)).toBe(fault)
})
