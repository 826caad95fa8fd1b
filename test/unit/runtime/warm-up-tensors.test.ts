import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sampleTensors } from '../../../src/runtime/warm-up-tensors.ts'
import { DATATYPES, type Signature } from '../../../src/shared/tensor.ts'
import type { WarmupData, WarmupInput, WarmupSample } from '../../../src/shared/warmup-sample.ts'

const signatureOf = (datatype: Signature['inputs'][0]['datatype'], shape: readonly number[]) => ({
  inputs: [{ name: 'x', datatype, shape }],
  outputs: [],
})

const inputOf = (
  datatype: string,
  dims: readonly number[],
  data: WarmupData = { kind: 'zero' },
): WarmupInput => ({ name: 'x', datatype, dims, data })

const sampleOf = (input: WarmupInput, batchSize = 1): WarmupSample => ({
  ...{ name: 's', batchSize, count: 1 },
  inputs: [input],
})

const FILE: WarmupData = { kind: 'file', file: 'f' }
const unread = (): Uint8Array => {
  throw new Error('nothing is to be read')
}

/** Tensors of one input from a file. */
const fromFile = (
  datatype: Signature['inputs'][0]['datatype'],
  dims: readonly number[],
  bytes: Uint8Array,
  rows = 1,
) =>
  sampleTensors(
    sampleOf(inputOf(datatype, dims, FILE), rows),
    signatureOf(datatype, [-1, ...dims]),
    8,
    () => bytes,
  )[0]!

/** Texts as Triton has them in files, each behind its length. */
const texts = (...all: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(
    all.flatMap((text) => {
      const bytes = Buffer.from(text as string)
      const length = Buffer.alloc(4)
      length.writeUInt32LE(bytes.length)
      return [length, bytes]
    }),
  )

describe('sampleTensors()', () => {
  test('gives the inputs in the order of the model, with rows', () => {
    const signature: Signature = {
      inputs: [
        { name: 'a', datatype: 'INT64', shape: [-1, 2] },
        { name: 'b', datatype: 'BYTES', shape: [-1] },
      ],
      outputs: [],
    }
    const inputs: WarmupInput[] = [
      { name: 'b', datatype: 'BYTES', dims: [], data: { kind: 'random' } },
      { name: 'a', datatype: 'INT64', dims: [2], data: { kind: 'zero' } },
    ]
    const sample = { name: 's', batchSize: 2, count: 1, inputs }
    expect(sampleTensors(sample, signature, 8, unread)).toEqual([
      { datatype: 'INT64', shape: [2, 2], data: new BigInt64Array(4) },
      { datatype: 'BYTES', shape: [2], data: ['', ''] },
    ])
  })

  test('gives no row dimension to a model that has none, or runs alone', () => {
    const tensors = sampleTensors(
      sampleOf(inputOf('FP32', [4, 3])),
      signatureOf('FP32', [-1, 3]),
      0,
      unread,
    )
    expect(tensors[0]).toMatchObject({ shape: [4, 3] })
  })

  test('has as many rows as a run may have at most', () => {
    const sample = sampleOf(inputOf('FP32', [1]), 100)
    expect(sampleTensors(sample, signatureOf('FP32', [-1, 1]), 8, unread)[0]).toMatchObject({
      shape: [8, 1],
    })
  })

  test('repeats the row of a file, and leaves what follows it', () => {
    const bytes = new Uint8Array(new Float32Array([1, 2, 99]).buffer)
    expect(fromFile('FP32', [2], bytes, 2).data).toEqual(Float32Array.of(1, 2, 1, 2))
    // Not at a multiple of the size of an element.
    const odd = Uint8Array.of(0, ...bytes).subarray(1)
    expect(fromFile('FP32', [2], odd).data).toEqual(Float32Array.of(1, 2))
    expect(fromFile('BYTES', [2], texts('233', 'ü'), 2).data).toEqual(['233', 'ü', '233', 'ü'])
  })

  test('gives the same random numbers every time: floats in [0, 1), and BOOL 0 and 1', () => {
    fc.assert(
      fc.property(fc.constantFrom(...DATATYPES), fc.integer({ min: 1, max: 99 }), (type, size) => {
        const make = () =>
          sampleTensors(
            sampleOf(inputOf(type, [size], { kind: 'random' })),
            signatureOf(type, [-1, -1]),
            8,
            unread,
          )[0]!.data
        const data = make()
        expect(make()).toEqual(data)
        expect(data).toHaveLength(size)
        if (type === 'BOOL') expect([...data].every((bit) => bit === 0 || bit === 1)).toBe(true)
        if (!type.startsWith('FP')) return
        for (const value of data) {
          expect(Number(value)).toBeGreaterThanOrEqual(0)
          expect(Number(value)).toBeLessThan(1)
        }
        if (size > 9) expect(new Set<unknown>(data).size).toBeGreaterThan(1)
      }),
    )
  })

  test('reads back whatever texts a file holds', () => {
    const anyText = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '0'))
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 5 }), (all) => {
        expect(fromFile('BYTES', [all.length], texts(...all)).data).toEqual(all)
      }),
    )
  })

  const wanted = "The warm-up 's' fails: "

  test.each<readonly [string, WarmupSample, number, string]>([
    ['another datatype', sampleOf(inputOf('FP16', [2])), 8, "'x' is FP32, not FP16"],
    [
      'another shape',
      sampleOf(inputOf('FP32', [3])),
      8,
      "'x' has the shape [2] behind its rows, not [3]",
    ],
    [
      'rows in dims',
      sampleOf(inputOf('FP32', [1, 2])),
      8,
      "'x' has the shape [2] behind its rows, not [1,2]",
    ],
    [
      'no rows in dims where there are none',
      sampleOf(inputOf('FP32', [2])),
      0,
      "'x' has the shape [-1,2], not [2]",
    ],
    [
      'an unknown input',
      sampleOf({ ...inputOf('FP32', [2]), name: 'y' }),
      8,
      "the model has no input 'y'",
    ],
    ['no input', { ...sampleOf(inputOf('FP32', [2])), inputs: [] }, 8, "it lacks 'x'"],
    [
      'rows of a model that is not batched',
      sampleOf(inputOf('FP32', [4, 2]), 2),
      0,
      'its batch_size is 2; the model is not batched',
    ],
  ])('refuses %s', (_, sample, rowsMax, why) => {
    expect(() => sampleTensors(sample, signatureOf('FP32', [-1, 2]), rowsMax, unread)).toThrow(
      expect.objectContaining({ code: 'WARMUP_FAILED', message: `${wanted}${why}` }),
    )
  })

  test.each<readonly [string, 'FP64' | 'BYTES', Uint8Array, string]>([
    ['too few bytes', 'FP64', new Uint8Array(15), '15 bytes; wanted 16'],
    ['no bytes', 'BYTES', new Uint8Array(), '0 strings; wanted 2'],
    ['too few strings', 'BYTES', texts('a'), '1 strings; wanted 2'],
    ['too many strings', 'BYTES', texts('a', 'b', 'c'), 'more than 2 strings'],
    ['a length cut off', 'BYTES', Uint8Array.of(1, 0), 'a string that ends beyond its 2 bytes'],
    [
      'a string cut off',
      'BYTES',
      texts('a', 'bc').subarray(0, 10),
      'a string that ends beyond its 10 bytes',
    ],
    [
      'a length of 4 GiB',
      'BYTES',
      Uint8Array.of(255, 255, 255, 255, 1),
      'a string that ends beyond its 5 bytes',
    ],
    [
      'bytes that are no text',
      'BYTES',
      texts('a', Uint8Array.of(255)),
      'a string that is no UTF-8',
    ],
    ['a zero byte', 'BYTES', texts('a', 'b\0'), 'a string with a zero byte'],
  ])('refuses a file of %s', (_, datatype, bytes, why) => {
    expect(() => fromFile(datatype, [2], bytes)).toThrow(
      expect.objectContaining({
        code: 'WARMUP_FAILED',
        message: `${wanted}'f' for 'x' has ${why}`,
      }),
    )
  })

  test.each([
    [[2 ** 28], 1],
    [[2 ** 20, 2 ** 20], 1],
    [[2 ** 24], 64],
  ])('refuses more than 1 GiB before it is allocated: %j, %i rows', (dims, rows) => {
    const shape = [-1, ...dims.map(() => -1)]
    const sample = sampleOf(inputOf('FP64', dims), rows)
    expect(() => sampleTensors(sample, signatureOf('FP64', shape), 64, unread)).toThrow(
      `${wanted}it exceeds 1 GiB`,
    )
  })
})
