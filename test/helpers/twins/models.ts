/** The models that twins ask: few, so that they are proved in a moment, and of all datatypes. */

import { DATATYPES, type Datatype } from '../../../src/shared/tensor.ts'
import { gather, identity, scaleAdd } from '../models.ts'
import { type Bytes, ELEMENT, graph, model, node, type Shape, value } from '../onnx-writer.ts'
import { makeRepository } from '../repository.ts'

export interface Served {
  readonly name: string
  /** Name, datatype and sizes; -1 is free, the first the rows. */
  readonly inputs: readonly (readonly [string, Datatype, readonly number[]])[]
  readonly outputs: readonly string[]
  /** Besides none and 1. */
  readonly versions?: readonly string[]
}

/** OUTPUT<i> = INPUT<i>, rows of any width. */
const copies = (datatypes: readonly Datatype[], shape: Shape): Bytes =>
  model(
    graph({
      nodes: datatypes.map((_, i) => node('Identity', [`INPUT${i}`], [`OUTPUT${i}`])),
      inputs: datatypes.map((datatype, i) => value(`INPUT${i}`, ELEMENT[datatype], shape)),
      outputs: datatypes.map((datatype, i) => value(`OUTPUT${i}`, ELEMENT[datatype], shape)),
    }),
  )

/** Three datatypes a model. */
const GROUPS: readonly (readonly Datatype[])[] = [0, 3, 6, 9].map((at) =>
  DATATYPES.slice(at, at + 3),
)
const groupName = (i: number): string => `copies${i}`

export const SERVED: readonly Served[] = [
  ...GROUPS.map(
    (datatypes, i): Served => ({
      name: groupName(i),
      inputs: datatypes.map((datatype, k) => [`INPUT${k}`, datatype, [-1, -1]]),
      outputs: datatypes.map((_, k) => `OUTPUT${k}`),
    }),
  ),
  { name: 'whole', inputs: [['INPUT0', 'FP32', [-1]]], outputs: ['OUTPUT0'] },
  { name: 'scalar', inputs: [['INPUT0', 'FP32', []]], outputs: ['OUTPUT0'] },
  { name: 'lookup', inputs: [['x', 'INT64', [-1, 1]]], outputs: ['y'] },
  { name: 'versions', inputs: [['x', 'FP32', [-1, 3]]], outputs: ['y'], versions: ['2'] },
]

/** A new repository of `SERVED`; the clean-up of the test removes it. */
export const makeTwinRepository = (): string =>
  makeRepository({
    ...Object.fromEntries(
      GROUPS.map((datatypes, i) => [`${groupName(i)}/1/model.onnx`, copies(datatypes, ['N', 'M'])]),
    ),
    'whole/1/model.onnx': copies(['FP32'], ['N']),
    'whole/model.yaml': 'max_batch_size: 0',
    'scalar/1/model.onnx': copies(['FP32'], []),
    'lookup/1/model.onnx': gather(),
    'versions/1/model.onnx': identity('FP32', ['N', 3]),
    'versions/2/model.onnx': scaleAdd(3),
    'versions/aliases.json': { champion: 1, challenger: 2 },
  })
