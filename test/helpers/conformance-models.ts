/**
 * The repository that clients of others are tried on: models like those of Triton's tests, with
 * their tensor names, and the example of this repository.
 */

import { cpSync } from 'node:fs'
import { DATATYPES } from '../../src/shared/tensor.ts'
import { EXAMPLE_REPOSITORY } from './example.ts'
import { gather, identity, scaleAdd, slowAsTold } from './models.ts'
import {
  attribute,
  type Bytes,
  ELEMENT,
  floats,
  graph,
  model,
  node,
  type Shape,
  value,
} from './onnx-writer.ts'
import { makeRepository } from './repository.ts'

const { FP32, INT32, INT64, BYTES } = ELEMENT

/** OUTPUT<i> = INPUT<i>, for tensors of any number and shape. */
const copies = (element: number, shapes: readonly Shape[]): Bytes =>
  model(
    graph({
      nodes: shapes.map((_, i) => node('Identity', [`INPUT${i}`], [`OUTPUT${i}`])),
      inputs: shapes.map((shape, i) => value(`INPUT${i}`, element, shape)),
      outputs: shapes.map((shape, i) => value(`OUTPUT${i}`, element, shape)),
    }),
  )

const cast = (from: string, to: string, element: number): Bytes =>
  node('Cast', [from], [to], { attributes: [attribute.int('to', element)] })

const PAIR: Shape = ['N', 16]
const pairOf = (kind: 'INPUT' | 'OUTPUT', element: number) =>
  [0, 1].map((i) => value(`${kind}${i}`, element, PAIR))

/** OUTPUT0 = INPUT0 + INPUT1 and OUTPUT1 = INPUT0 - INPUT1, as Triton's `simple`. */
const addSub = (): Bytes => {
  const nodes = [
    node('Add', ['INPUT0', 'INPUT1'], ['OUTPUT0']),
    node('Sub', ['INPUT0', 'INPUT1'], ['OUTPUT1']),
  ]
  const [inputs, outputs] = [pairOf('INPUT', INT32), pairOf('OUTPUT', INT32)]
  return model(graph({ nodes, inputs, outputs }))
}

/** The same of numbers written as text, as Triton's `simple_string`. */
const addSubText = (): Bytes => {
  const nodes = [
    cast('INPUT0', 'a', INT32),
    cast('INPUT1', 'b', INT32),
    node('Add', ['a', 'b'], ['sum']),
    node('Sub', ['a', 'b'], ['difference']),
    cast('sum', 'OUTPUT0', BYTES),
    cast('difference', 'OUTPUT1', BYTES),
  ]
  const [inputs, outputs] = [pairOf('INPUT', BYTES), pairOf('OUTPUT', BYTES)]
  return model(graph({ nodes, inputs, outputs }))
}

/** NaN, both infinities, 1, 2 and 3, whatever is asked, as Triton's `nan_inf_output`. */
const nanInf = (): Bytes => {
  const nodes = [
    node('Mul', ['INPUT0', 'zero'], ['nothing']),
    node('Add', ['nothing', 'answer'], ['OUTPUT0']),
  ]
  const initializers = [
    floats('zero', [], [0]),
    floats(
      'answer',
      [6],
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, 2, 3],
    ),
  ]
  const inputs = [value('INPUT0', FP32, ['N', 1])]
  return model(graph({ nodes, inputs, outputs: [value('OUTPUT0', FP32, ['N', 6])], initializers }))
}

/** Four outputs of one input: itself, doubled, as whole numbers, as text. */
const severalOutputs = (): Bytes => {
  const nodes = [
    node('Identity', ['INPUT0'], ['SAME']),
    node('Add', ['INPUT0', 'INPUT0'], ['DOUBLE']),
    cast('INPUT0', 'WHOLE', INT64),
    cast('WHOLE', 'TEXT', BYTES),
  ]
  const shape = ['N', 3]
  const outputs = [
    value('SAME', FP32, shape),
    value('DOUBLE', FP32, shape),
    value('WHOLE', INT64, shape),
    value('TEXT', BYTES, shape),
  ]
  return model(graph({ nodes, inputs: [value('INPUT0', FP32, shape)], outputs }))
}

const file = (name: string, bytes: Bytes) => [`${name}/1/model.onnx`, bytes] as const

/** A new repository; the clean-up of the test removes it. */
export const makeConformanceRepository = (): string => {
  const identities = DATATYPES.map((datatype) =>
    file(`identity_${datatype.toLowerCase()}`, copies(ELEMENT[datatype], [['N', 'M']])),
  )
  const repository = makeRepository({
    ...Object.fromEntries([
      ...identities,
      file('simple', addSub()),
      file('simple_string', addSubText()),
      file('scalar_0dim', copies(FP32, [[]])),
      file('scalar_1dim', copies(FP32, [[1]])),
      file('scalar_2dim', copies(FP32, [[1, 1]])),
      file('two_free_fp32', copies(FP32, [['N', 'A', 'B']])),
      file('nobatch_fp32', copies(FP32, [['N']])),
      file('text_1_element', copies(BYTES, [[1]])),
      file(
        'zero_3_fp32',
        copies(FP32, [
          ['N', 'A'],
          ['N', 'B'],
          ['N', 'C'],
        ]),
      ),
      file('nan_inf_output', nanInf()),
      file('several_outputs', severalOutputs()),
      file('slow', slowAsTold()),
      file('lookup', gather()),
      file('versions', identity('FP32', ['N', 3])),
    ]),
    'nobatch_fp32/model.yaml': 'max_batch_size: 0',
    'versions/2/model.onnx': scaleAdd(3),
    'versions/aliases.json': { champion: 1, challenger: 2 },
  })
  cpSync(EXAMPLE_REPOSITORY, repository, { recursive: true })
  return repository
}

/** Few models, as each makes some thousand requests: features by name, tensors, texts. */
export const makeDescribedRepository = (): string => {
  const repository = makeRepository(
    Object.fromEntries([file('simple', addSub()), file('texts', copies(BYTES, [['N', 2]]))]),
  )
  cpSync(EXAMPLE_REPOSITORY, repository, { recursive: true })
  return repository
}
