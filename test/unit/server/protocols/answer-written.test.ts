import { expect, test } from 'vitest'
import { oipWritten } from '../../../../src/server/protocols/answer-written.ts'
import type { Manifest } from '../../../../src/shared/manifest.ts'
import { asked, planOf, tensor } from '../../../helpers/variant-plans.ts'

const inputs = [tensor('x', 'FP32', -1, 1)]
const EMBEDDING = [tensor('id', 'INT64', -1), tensor('y', 'FP32', -1, 768)]

const asBytes = (index: number, classes = 0) => ({ index, isBinary: true, classes })

test('readOf() has /predict show what its manifest names', () => {
  const outputs = [tensor('label', 'INT64', -1), tensor('y', 'FP32', -1, 768), EMBEDDING[0]!]
  const score = { output: 'label', column: 0 }
  const read = (manifest: Partial<Manifest>) =>
    planOf({ inputs, outputs, manifest }).answerSize.read.outputs
  expect(read({ task: 'regression', score })).toEqual([0, 0])
  expect(read({ task: 'binary', score, label: { output: 'id' } })).toEqual([0, 2])
  expect(read({ task: 'other', score })).toEqual([0, 1, 2])
})

test('oipWritten() tells bytes and classes from JSON', () => {
  const { answerSize } = planOf({ inputs, outputs: EMBEDDING })
  const all = { outputs: [0, 1], binary: [], classified: [], rowExtra: 0 }
  expect(oipWritten(answerSize, null)).toEqual(all)
  const classes = asBytes(1, 5)
  expect(oipWritten(answerSize, [...asked(0), asBytes(1)])).toEqual({
    ...all,
    outputs: [0],
    binary: [1],
  })
  expect(oipWritten(answerSize, [classes])).toEqual({ ...all, outputs: [], classified: [classes] })
})
