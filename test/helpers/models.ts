/** Small ONNX models for tests, sound and strange. Bytes of a `model.onnx` each. */

import type { Datatype } from '../../src/shared/tensor.ts'
import {
  attribute,
  type Bytes,
  ELEMENT,
  externalTensor,
  field,
  floats,
  functionOf,
  graph,
  LOOP_GO,
  longs,
  loop,
  model,
  node,
  opset,
  type Shape,
  sequence,
  value,
} from './onnx-writer.ts'

const { FP32, INT64 } = ELEMENT

const inputX = (shape: Shape, element: number = FP32) => [value('x', element, shape)]
const outputY = (shape: Shape, element: number = FP32) => [value('y', element, shape)]

/** y = x for any datatype; shape [N, 2] unless told otherwise. */
export const identity = (datatype: Datatype | 'FP16', shape: Shape = ['N', 2]): Bytes => {
  const element = ELEMENT[datatype]
  const nodes = [node('Identity', ['x'], ['y'])]
  return model(graph({ nodes, inputs: inputX(shape, element), outputs: outputY(shape, element) }))
}

/** y = 2 x + 1, rows of `width` floats. */
export const scaleAdd = (width = 3): Bytes => {
  const nodes = [node('Mul', ['x', 'two'], ['doubled']), node('Add', ['doubled', 'one'], ['y'])]
  const shape = ['N', width]
  const initializers = [floats('two', [], [2]), floats('one', [], [1])]
  return model(graph({ nodes, inputs: inputX(shape), outputs: outputY(shape), initializers }))
}

/** Numbers in -1 .. 1, always the same (mulberry32). */
const numbers = (seed: number, count: number, scale: number): number[] => {
  let state = seed
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1) * scale
  })
}

/** A multilayer perceptron of seeded weights: Gemm and Relu, a sigmoid at the end. */
export const mlp = (widths: readonly number[] = [30, 64, 32, 1], seed = 1): Bytes => {
  const nodes: Bytes[] = []
  const initializers: Bytes[] = []
  let from = 'x'
  for (let layer = 1; layer < widths.length; layer++) {
    const [rows, columns] = [widths[layer - 1]!, widths[layer]!]
    const scale = Math.sqrt(3 / rows)
    const weights = numbers(seed * 100 + layer, rows * columns, scale)
    initializers.push(floats(`w${layer}`, [rows, columns], weights))
    initializers.push(floats(`b${layer}`, [columns], numbers(seed * 100 + 50 + layer, columns, 1)))
    nodes.push(node('Gemm', [from, `w${layer}`, `b${layer}`], [`h${layer}`]))
    const isLast = layer === widths.length - 1
    nodes.push(node(isLast ? 'Sigmoid' : 'Relu', [`h${layer}`], [isLast ? 'y' : `r${layer}`]))
    from = `r${layer}`
  }
  const inputs = inputX(['N', widths[0]!])
  return model(graph({ nodes, inputs, outputs: outputY(['N', widths.at(-1)!]), initializers }))
}

/** y = x minus the mean of its batch: a row's answer depends on its company. */
export const batchMean = (): Bytes => {
  const attributes = [attribute.ints('axes', [0]), attribute.int('keepdims', 1)]
  const nodes = [
    node('ReduceMean', ['x'], ['mean'], { attributes }),
    node('Sub', ['x', 'mean'], ['y']),
  ]
  return model(graph({ nodes, inputs: inputX(['N', 3]), outputs: outputY(['N', 3]) }))
}

/** y = table[x]: throws at run time when a row's index is not in 0 .. 9 (or -10 .. -1). */
export const gather = (): Bytes => {
  const table = Array.from({ length: 10 }, (_, i) => i * 1.5)
  const nodes = [node('Gather', ['table', 'x'], ['y'])]
  const inputs = inputX(['N', 1], INT64)
  const initializers = [floats('table', [10], table)]
  return model(graph({ nodes, inputs, outputs: outputY(['N', 1]), initializers }))
}

/** y = text as a number: throws at run time for what is no number, the empty text too. */
export const parseNumber = (): Bytes => {
  const nodes = [node('Cast', ['x'], ['y'], { attributes: [attribute.int('to', FP32)] })]
  const inputs = inputX(['N', 1], ELEMENT.BYTES)
  return model(graph({ nodes, inputs, outputs: outputY(['N', 1]) }))
}

/** An output that is a sequence of tensors, as zipmap makes them. */
export const sequenceOutput = (): Bytes => {
  const nodes = [node('SequenceConstruct', ['x'], ['y'])]
  return model(graph({ nodes, inputs: inputX(['N', 2]), outputs: [sequence('y', FP32, ['N', 2])] }))
}

/** x in float16 as the only trouble. */
export const float16 = (): Bytes => identity('FP16')

/** Never ends when run. */
export const endless = (): Bytes => {
  const body = [node('Cos', ['state_in'], ['state_out'])]
  const shape = ['N', 1]
  const nodes = [
    node('Identity', ['x'], ['state0']),
    loop({ trips: '', body, state: shape }),
    node('Identity', ['state1'], ['y']),
  ]
  return model(
    graph({ nodes, inputs: inputX(shape), outputs: outputY(shape), initializers: [LOOP_GO] }),
  )
}

/** y = x, after products of 192 x 192 matrices, each about half a millisecond. */
const products = (trips: { nodes: readonly Bytes[]; initializers: readonly Bytes[] }): Bytes => {
  const side = 192
  const nodes = [
    ...trips.nodes,
    node('ReduceMean', ['x'], ['mean'], { attributes: [attribute.int('keepdims', 0)] }),
    node('Mul', ['mean', 'zero'], ['nothing']),
    node('Add', ['weights', 'nothing'], ['state0']),
    loop({
      trips: 'trips',
      body: [node('MatMul', ['state_in', 'weights'], ['state_out'])],
      state: [side, side],
    }),
    node('ReduceMean', ['state1'], ['final'], { attributes: [attribute.int('keepdims', 0)] }),
    node('Mul', ['final', 'zero'], ['rest']),
    node('Add', ['x', 'rest'], ['y']),
  ]
  const initializers = [
    LOOP_GO,
    ...trips.initializers,
    floats('zero', [], [0]),
    floats('weights', [side, side], numbers(7, side * side, 1 / side)),
  ]
  return model(graph({ nodes, inputs: inputX(['N', 2]), outputs: outputY(['N', 2]), initializers }))
}

/** y = x, after `trips` products. */
export const slow = (trips = 20): Bytes =>
  products({ nodes: [], initializers: [longs('trips', [], [BigInt(trips)])] })

/** y = x, after as many products as the largest number of x says: 1e9 is for ever. */
export const slowAsTold = (): Bytes =>
  products({
    nodes: [
      node('ReduceMax', ['x'], ['most'], { attributes: [attribute.int('keepdims', 0)] }),
      node('Cast', ['most'], ['trips'], { attributes: [attribute.int('to', INT64)] }),
    ],
    initializers: [],
  })

/** Fills `elements` floats when run, and answers with one of them per row. */
export const hugeAllocation = (elements = 10 ** 10): Bytes => {
  const nodes = [
    node('Shape', ['x'], ['shape'], {}),
    node('Mul', ['shape', 'nothing'], ['zeros']),
    node('ReduceSum', ['zeros'], ['zero'], { attributes: [attribute.int('keepdims', 1)] }),
    node('Add', ['zero', 'elements'], ['size']),
    node('ConstantOfShape', ['size'], ['filled']),
    node('ReduceMax', ['filled'], ['most'], { attributes: [attribute.int('keepdims', 0)] }),
    node('Add', ['x', 'most'], ['y']),
  ]
  const initializers = [longs('nothing', [], [0n]), longs('elements', [1], [BigInt(elements)])]
  return model(graph({ nodes, inputs: inputX(['N', 1]), outputs: outputY(['N', 1]), initializers }))
}

const branch = (operator: Bytes, name: string): Bytes =>
  graph({ nodes: [operator], outputs: [value(name, FP32, [])] })

/** `depth` conditionals within one another. */
export const nested = (depth: number): Bytes => {
  const other = branch(node('Identity', ['x'], ['other']), 'other')
  let inner = branch(node('Identity', ['x'], ['inner']), 'inner')
  let choice = node('Identity', ['x'], ['y'])
  for (let level = 0; level < depth; level++) {
    const name = level === depth - 1 ? 'y' : `level${level}`
    const attributes = [
      attribute.graph('then_branch', inner),
      attribute.graph('else_branch', other),
    ]
    choice = node('If', ['go'], [name], { attributes })
    inner = branch(choice, name)
  }
  const initializers = [LOOP_GO]
  return model(graph({ nodes: [choice], inputs: inputX([]), outputs: outputY([]), initializers }))
}

/** y = x + a vector of `width` floats that lies in another file, as `entries` say. */
export const external = (entries: Readonly<Record<string, string>>, width = 3): Bytes => {
  const nodes = [node('Add', ['x', 'far'], ['y'])]
  const shape = ['N', width]
  const initializers = [externalTensor('far', [width], entries)]
  return model(graph({ nodes, inputs: inputX(shape), outputs: outputY(shape), initializers }))
}

/** y = 2 x by a function that the model brings along, in a domain of its own. */
export const ownFunction = (called = 'Double'): Bytes => {
  const domain = 'pkg.own'
  const nodes = [node(called, ['x'], ['y'], { domain })]
  const double = functionOf([domain, 'Double'], [['a'], ['b']], [node('Add', ['a', 'a'], ['b'])])
  return model(graph({ nodes, inputs: inputX(['N', 3]), outputs: outputY(['N', 3]) }), {
    opsets: [opset('', 17), opset(domain, 1)],
    more: [field(25, double)],
  })
}

/** An operator that only a foreign library could bring. */
export const foreignDomain = (): Bytes => {
  const nodes = [node('Exfiltrate', ['x'], ['y'], { domain: 'com.evil' })]
  return model(graph({ nodes, inputs: inputX(['N', 3]), outputs: outputY(['N', 3]) }), {
    opsets: [opset('', 17), opset('com.evil', 1)],
  })
}

/** A convolution and a max-pool over images of 8 channels: what the optimiser lays out anew. */
export const convolution = (): Bytes => {
  const sides = [8, 8, 3, 3]
  const weights = floats('w', sides, numbers(3, 8 * 8 * 9, 0.1))
  const pool = { attributes: [attribute.ints('kernel_shape', [2, 2])] }
  const nodes = [
    node('Conv', ['x', 'w'], ['c']),
    node('Relu', ['c'], ['r']),
    node('MaxPool', ['r'], ['y'], pool),
  ]
  const inputs = inputX(['N', 8, 6, 6])
  return model(graph({ nodes, inputs, outputs: outputY(['N', 8, 3, 3]), initializers: [weights] }))
}
