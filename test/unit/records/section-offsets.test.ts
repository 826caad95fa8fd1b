import { expect, test } from 'vitest'
import { ENTRY_HEADER_BYTES, ENTRY_WORD } from '../../../src/records/entry.ts'
import { sectionOffsets } from '../../../src/records/section-offsets.ts'
import { writePlanOf } from '../../../src/records/write-plan.ts'
import type { Tensor } from '../../../src/shared/tensor.ts'
import { recordLayout } from '../../helpers/record-layouts.ts'
import { recordRig } from '../../helpers/record-rig.ts'

const INPUTS: Tensor[] = [
  { datatype: 'UINT8', shape: [1, 3], data: Uint8Array.of(7, 8, 9) },
  { datatype: 'INT64', shape: [1], data: BigInt64Array.of(-5n) },
  { datatype: 'FP32', shape: [1, 3], data: Float32Array.of(0.5, 1.5, 2.5) },
]
const OUTPUTS: Tensor[] = [{ datatype: 'FP64', shape: [1, 1], data: Float64Array.of(0.75) }]

const signed = (tensors: readonly Tensor[], prefix: string) =>
  tensors.map(({ datatype, shape }, i) => ({
    ...{ name: `${prefix}${i}`, datatype, shape: [-1, ...shape.slice(1)] },
  }))

test('tensors lie where sectionOffsets() says, behind the header', () => {
  const signature = { inputs: signed(INPUTS, 'in'), outputs: signed(OUTPUTS, 'out') }
  const layout = recordLayout({ signature })
  const rig = recordRig()
  Object.assign(rig.facts, { rows: 1, inputs: INPUTS, results: OUTPUTS, requestId: 'some id' })
  rig.facts.sequence = rig.writer.takeSequence()
  rig.writer.write(writePlanOf(layout), rig.facts)
  const { buffer } = rig.take()[0]!
  const words = new Int32Array(buffer)
  const { inputs, outputs } = sectionOffsets(layout)
  const at = words[ENTRY_WORD.INPUTS]!
  expect(at).toBe(ENTRY_HEADER_BYTES)
  expect(new Uint8Array(buffer)[at + inputs![0]! + 2]).toBe(9)
  expect(new BigInt64Array(buffer)[(at + inputs![1]!) / 8]).toBe(-5n)
  expect(new Float32Array(buffer)[(at + inputs![2]!) / 4 + 1]).toBe(1.5)
  const end = words[ENTRY_WORD.OUTPUTS]!
  expect(new Float64Array(buffer)[(end + outputs![0]!) / 8]).toBe(0.75)
})

test('text and free dimensions have no fixed offsets', () => {
  const [first] = signed(INPUTS, 'in')
  const free = { inputs: [{ ...first!, shape: [-1, -1] }], outputs: [{ ...first! }] }
  expect(sectionOffsets(recordLayout({ signature: free }))).toEqual({ inputs: null, outputs: [0] })
  const text = { inputs: [{ ...first!, datatype: 'BYTES' as const }], outputs: [{ ...first! }] }
  expect(sectionOffsets(recordLayout({ signature: text })).inputs).toBeNull()
})
