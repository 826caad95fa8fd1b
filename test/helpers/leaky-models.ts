/** ONNX models that batching is hard on: their rows leak, are missing, or are large. */

import {
  attribute,
  type Bytes,
  ELEMENT,
  floats,
  graph,
  LOOP_GO,
  longs,
  loop,
  model,
  node,
  tensor,
  value,
} from './onnx-writer.ts'

const { FP32, INT32, INT64 } = ELEMENT

const rows = (name: string, element: number, width: number) => [value(name, element, ['N', width])]

const mean = (input: string, output: string, axis = 0) =>
  node('ReduceMean', [input], [output], {
    attributes: [attribute.ints('axes', [axis]), attribute.int('keepdims', 1)],
  })

/** y = one column minus its mean over the batch. */
export const columnMean = (column: number, width: number, element: number = FP32): Bytes => {
  const nodes = [
    node('Cast', ['x'], ['all'], { attributes: [attribute.int('to', FP32)] }),
    node('Slice', ['all', 'from', 'to', 'axis'], ['own']),
    mean('own', 'mean'),
    node('Sub', ['own', 'mean'], ['y']),
  ]
  const initializers = [
    longs('from', [1], [BigInt(column)]),
    longs('to', [1], [BigInt(column + 1)]),
    longs('axis', [1], [1n]),
  ]
  const [inputs, outputs] = [rows('x', element, width), rows('y', FP32, 1)]
  return model(graph({ nodes, inputs, outputs, initializers }))
}

/** y = x * scale, minus the mean of that over the batch. */
export const scaledMean = (scale: number): Bytes => {
  const nodes = [
    node('Mul', ['x', 'scale'], ['own']),
    mean('own', 'mean'),
    node('Sub', ['own', 'mean'], ['y']),
  ]
  const initializers = [floats('scale', [], [scale])]
  const [inputs, outputs] = [rows('x', FP32, 1), rows('y', FP32, 1)]
  return model(graph({ nodes, inputs, outputs, initializers }))
}

/** y = x plus the sum of what stands in row 8 and behind it. */
export const tailSum = (): Bytes => {
  const nodes = [
    node('Slice', ['x', 'eight', 'end', 'axis'], ['tail']),
    node('ReduceSum', ['tail', 'axis'], ['sum'], { attributes: [attribute.int('keepdims', 1)] }),
    node('Add', ['x', 'sum'], ['y']),
  ]
  const initializers = [
    longs('eight', [1], [8n]),
    longs('end', [1], [100_000n]),
    longs('axis', [1], [0n]),
  ]
  const [inputs, outputs] = [rows('x', FP32, 1), rows('y', FP32, 1)]
  return model(graph({ nodes, inputs, outputs, initializers }))
}

/** y = 1,000,000 plus the number of the row in its batch, as whole numbers. */
export const rowNumber = (): Bytes => {
  const nodes = [
    node('Mul', ['x', 'zero'], ['zeros']),
    node('Add', ['zeros', 'one'], ['ones']),
    node('CumSum', ['ones', 'axis'], ['count']),
    node('Add', ['count', 'million'], ['sum']),
    node('Cast', ['sum'], ['y'], { attributes: [attribute.int('to', INT32)] }),
  ]
  const initializers = [
    floats('zero', [], [0]),
    floats('one', [], [1]),
    floats('million', [], [1e6]),
    tensor('axis', INT64, [], BigInt64Array.of(0n)),
  ]
  const [inputs, outputs] = [rows('x', FP32, 1), rows('y', INT32, 1)]
  return model(graph({ nodes, inputs, outputs, initializers }))
}

/** y = x minus its mean over the batch; refuses every id but 0 and -1. */
export const oneEntryTable = (): Bytes => {
  const nodes = [
    node('Gather', ['table', 'id'], ['found']),
    mean('found', 'entry', 1),
    node('Add', ['entry', 'x'], ['own']),
    mean('own', 'mean'),
    node('Sub', ['own', 'mean'], ['y']),
  ]
  const inputs = [...rows('id', INT64, 3), ...rows('x', FP32, 1)]
  const initializers = [floats('table', [1], [1])]
  return model(graph({ nodes, inputs, outputs: rows('y', FP32, 1), initializers }))
}

/** Answers two rows for each, although it declares that they have no fixed number. */
export const twoForOne = (): Bytes => {
  const nodes = [node('Concat', ['x', 'x'], ['y'], { attributes: [attribute.int('axis', 0)] })]
  const outputs = [value('y', FP32, ['M', 1])]
  return model(graph({ nodes, inputs: rows('x', FP32, 1), outputs }))
}

/** Answers the first row only: right for one, and never for more. Nothing in it says so. */
export const firstRow = (): Bytes => {
  const nodes = [
    node('ReduceMean', ['x'], ['number'], { attributes: [attribute.int('keepdims', 0)] }),
    node('Mul', ['number', 'zero'], ['nothing']),
    node('Add', ['nothing', 'one'], ['float']),
    node('Cast', ['float'], ['integer'], { attributes: [attribute.int('to', INT64)] }),
    node('Reshape', ['integer', 'vector'], ['end']),
    node('Slice', ['x', 'start', 'end', 'axis'], ['y']),
  ]
  const initializers = [
    floats('zero', [], [0]),
    floats('one', [], [1]),
    longs('vector', [1], [1n]),
    longs('start', [1], [0n]),
    longs('axis', [1], [0n]),
  ]
  const outputs = [value('y', FP32, ['M', 1])]
  return model(graph({ nodes, inputs: rows('x', FP32, 1), outputs, initializers }))
}

/** y = x, and a label of one row as LightGBM's exporter declares it: right, but without rows. */
export const fixedLabel = (): Bytes => {
  const nodes = [node('Identity', ['x'], ['y']), node('Identity', ['x'], ['label'])]
  const outputs = [...rows('y', FP32, 1), value('label', FP32, [1, 1])]
  return model(graph({ nodes, inputs: rows('x', FP32, 1), outputs }))
}

/** y = the mean of a row of the shape given. */
export const rowMean = (shape: readonly number[]): Bytes => {
  const axes = attribute.ints(
    'axes',
    shape.map((_, i) => i + 1),
  )
  const attributes = [axes, attribute.int('keepdims', 0)]
  const nodes = [node('ReduceMean', ['x'], ['y'], { attributes })]
  const inputs = [value('x', FP32, ['N', ...shape])]
  return model(graph({ nodes, inputs, outputs: [value('y', FP32, ['N'])] }))
}

/** y = x for one row; never ends with more of them. */
export const endlessInBatches = (): Bytes => {
  const nodes = [
    node('Shape', ['x'], ['shape']),
    node('Gather', ['shape', 'first'], ['rows']),
    node('Sub', ['rows', 'one'], ['others']),
    node('Mul', ['others', 'many'], ['trips']),
    node('Identity', ['x'], ['state0']),
    loop({
      trips: 'trips',
      body: [node('Cos', ['state_in'], ['state_out'])],
      state: ['N', 1],
    }),
    node('Identity', ['state1'], ['y']),
  ]
  const initializers = [
    LOOP_GO,
    longs('first', [], [0n]),
    longs('one', [], [1n]),
    longs('many', [], [10n ** 15n]),
  ]
  const [inputs, outputs] = [rows('x', FP32, 1), rows('y', FP32, 1)]
  return model(graph({ nodes, inputs, outputs, initializers }))
}
