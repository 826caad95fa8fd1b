import { expect, test } from 'vitest'
import { JsonReader } from '../../../../src/server/json/json-reader.ts'
import { Column } from '../../../../src/server/protocols/columns.ts'
import { readNested } from '../../../../src/server/protocols/nested.ts'
import type { Datatype } from '../../../../src/shared/tensor.ts'

const read = (text: string, datatype: Datatype = 'FP32', countMax?: number) => {
  const reader = new JsonReader(new TextEncoder().encode(text))
  const column = new Column(datatype)
  const nested = readNested(reader, column, countMax)
  expect(reader.at).toBe(text.length)
  return { ...nested, elements: [...(column.take() as Iterable<unknown>)] }
}

test.each([
  ['5', [], [5]],
  ['[]', [0], []],
  ['[1, 2 ,3]', [3], [1, 2, 3]],
  ['[[1,2],[3,4],[5,6]]', [3, 2], [1, 2, 3, 4, 5, 6]],
  ['[[[1]],[[2]]]', [2, 1, 1], [1, 2]],
  ['[[],[]]', [2, 0], []],
])('readNested() reads %s', (text, sizes, elements) => {
  expect(read(text)).toMatchObject({ sizes, elements, count: elements.length, misfit: null })
})

test.each(['[[1],[2,3]]', '[1,[2]]', '[[1],2]', '[[],1]', '[1,[]]', '[[[1]],[2]]', '[[[]],[]]'])(
  'readNested() finds %s uneven',
  (text) => {
    expect(read(text).sizes).toBeNull()
  },
)

test.each<[string, Datatype, unknown[]]>([
  ['[1,-2.5e0,3]', 'FP64', [1, -2.5, 3]],
  ['[1,"a",2]', 'FP32', [1]],
  ['[1,1e39,2]', 'FP32', [1]],
  ['[1,1.5,2]', 'INT8', [1]],
  ['[127,128]', 'INT8', [127]],
  ['[9007199254740993,-1,-9223372036854775808]', 'INT64', [2n ** 53n + 1n, -1n, -(2n ** 63n)]],
  ['[4294967296,-4294967297,0]', 'INT64', [2n ** 32n, -(2n ** 32n) - 1n, 0n]],
  ['[18446744073709551615,4294967295,-1]', 'UINT64', [2n ** 64n - 1n, 2n ** 32n - 1n]],
  ['[true,false,1]', 'BOOL', [1, 0]],
  ['["a","",null]', 'BYTES', ['a', '']],
])('readNested() keeps of %s as %s what comes before the first misfit', (text, datatype, kept) => {
  const { elements, misfit, misfitIndex, count } = read(text, datatype)
  expect(elements).toEqual(kept)
  const total = JSON.parse(text).length
  expect(count).toBe(total)
  expect(misfitIndex).toBe(kept.length === total ? -1 : kept.length)
  expect(misfit === null).toBe(kept.length === total)
})

test('readNested() counts what is too much and keeps none of it', () => {
  expect(read('[1,2,3,4,5]', 'FP32', 3)).toMatchObject({ count: 5, elements: [1, 2, 3] })
  expect(read('["a","b","c"]', 'BYTES', 2)).toMatchObject({ count: 3, elements: ['a', 'b'] })
  expect(read('[[1,2],[3,"x"]]', 'INT64', 2)).toMatchObject({ elements: [1n, 2n], misfit: null })
})
