import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LENGTH_AT } from '../../../src/records/entry.ts'
import { recordBytesOf } from '../../../src/records/record-size.ts'
import { writePlanOf } from '../../../src/records/write-plan.ts'
import type { Datatype } from '../../../src/shared/tensor.ts'
import { recordLayout } from '../../helpers/record-layouts.ts'
import { recordRig } from '../../helpers/record-rig.ts'

const planOf = (datatypes: readonly Datatype[], width: number) => {
  const tensor = (datatype: Datatype, i: number) => ({
    name: `t${i}`,
    datatype,
    shape: [-1, width],
  })
  const signature = { inputs: datatypes.map(tensor), outputs: [tensor('FP32', 0)] }
  return writePlanOf(recordLayout({ signature }))
}

const ARRAYS = { FP32: Float32Array, FP64: Float64Array, UINT8: Uint8Array, INT16: Int16Array }

test('where shapes are fixed, no record is larger than was said', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('FP32', 'FP64', 'UINT8', 'INT16'), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 50 }),
      fc.option(fc.string({ maxLength: 40, unit: 'grapheme' })),
      (datatypes, width, rows, requestId) => {
        const plan = planOf(datatypes, width)
        const { writer, facts, take } = recordRig()
        const make = (datatype: keyof typeof ARRAYS) => ({
          ...{ datatype, shape: [rows, width], data: new ARRAYS[datatype](rows * width) },
        })
        Object.assign(facts, { rows, requestId, sequence: writer.takeSequence() })
        Object.assign(facts, { inputs: datatypes.map(make), results: [make('FP32')] })
        expect(writer.write(plan, facts)).toBeGreaterThan(0)
        const length = new Int32Array(take()[0]!.slice().buffer)[LENGTH_AT]!
        const said = recordBytesOf(plan, { rows, requestId, extras: null, bodyBytes: 0 })
        expect(said).toBeGreaterThanOrEqual(length)
        expect(said - length).toBeLessThan(8 * (datatypes.length + 2) + 2 * 40 + 8)
        expect(said % 8).toBe(0)
      },
    ),
  )
})

test('texts are as large as the body that brought them', () => {
  const plan = planOf(['BYTES'], 2)
  const outline = { rows: 1, requestId: null, extras: null }
  const [short, long] = [10, 1010].map((bodyBytes) =>
    recordBytesOf(plan, { ...outline, bodyBytes }),
  )
  expect(long! - short!).toBe(4000)
})

test('extras and ids have their place', () => {
  const plan = planOf(['FP32'], 1)
  const outline = { rows: 1, requestId: null, extras: null, bodyBytes: 0 }
  const extras = { rows: [0], features: [0], texts: ['a text'], isCut: false }
  const bare = recordBytesOf(plan, outline)
  expect(recordBytesOf(plan, { ...outline, extras })).toBe(bare + 32)
  expect(recordBytesOf(plan, { ...outline, requestId: 'abcd' })).toBe(bare + 16)
})
