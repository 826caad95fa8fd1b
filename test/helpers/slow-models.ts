/**
 * Models that take their time, or behave badly when told to. All pass the proving run: what is bad
 * about them shows only for rows whose first value is `TRIGGER`, which no made-up row has.
 */

import { mlp } from './models.ts'
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
  type Shape,
  value,
} from './onnx-writer.ts'

/** As the first value of a row, it makes a model misbehave that can. */
export const TRIGGER = 666

const { FP32, INT64 } = ELEMENT
const ROW: Shape = ['N', 2]

const scalar = { attributes: [attribute.int('keepdims', 0)] }
const castTo = (element: number) => ({ attributes: [attribute.int('to', element)] })

/** From x of shape [N, 2] to y of the same shape, by nodes and what they hold. */
const rowsModel = (nodes: readonly Bytes[], initializers: readonly Bytes[]): Bytes =>
  model(
    graph({
      nodes,
      inputs: [value('x', FP32, ROW)],
      outputs: [value('y', FP32, ROW)],
      initializers,
    }),
  )

/** `hits`: of each row, [N, 1], whether its first value is TRIGGER, 1 or 0, as whole numbers. */
const HITS = {
  nodes: [
    node('Gather', ['x', 'first'], ['firsts'], { attributes: [attribute.int('axis', 1)] }),
    node('Equal', ['firsts', 'trigger'], ['are_hits']),
    node('Cast', ['are_hits'], ['hits'], castTo(INT64)),
  ],
  initializers: [longs('first', [1], [0n]), floats('trigger', [], [TRIGGER])],
} as const

/** `count`: how many rows of the batch ask for trouble, times `factor`. */
const timesHits = (factor: bigint) => ({
  nodes: [
    ...HITS.nodes,
    node('ReduceMax', ['hits'], ['is_hit'], scalar),
    node('Mul', ['is_hit', 'factor'], ['count']),
  ],
  initializers: [...HITS.initializers, longs('factor', [], [factor])],
})

/** y = x, with `nothing` (a scalar that is 0) added, so that no optimiser drops what made it. */
const plusNothing = node('Add', ['x', 'nothing'], ['y'])

const SIDE = 64
/**
 * What a product of two matrices of this side takes in a loop, on a Xeon of 2.1 GHz: a calibration
 * by count, which makes the same model everywhere.
 */
const US_PER_PRODUCT = 5

/** Products with a permutation: the numbers stay the same for ever, neither 0 nor denormal. */
const rotation = (): number[] =>
  Array.from({ length: SIDE * SIDE }, (_, i) =>
    (Math.floor(i / SIDE) + 1) % SIDE === i % SIDE ? 1 : 0,
  )

export interface SlowParts {
  /** About so long for each row; rounded to 5 us. */
  readonly usPerRow: number
  /** And so long for each run, whatever its rows. */
  readonly usPerRun?: number
}

/**
 * y = x, after a time that is steady and proportional to rows: a + b * rows. By the count of
 * products, not by a clock.
 */
export const slowModel = ({ usPerRow, usPerRun = 0 }: SlowParts): Bytes => {
  const products = (us: number) => BigInt(Math.round(us / US_PER_PRODUCT))
  const nodes = [
    node('Shape', ['x'], ['shape']),
    node('Gather', ['shape', 'first'], ['rows']),
    node('Mul', ['rows', 'per_row'], ['of_rows']),
    node('Add', ['of_rows', 'per_run'], ['trips']),
    // From x, or else all of it is computed when the model is loaded.
    node('ReduceMax', ['x'], ['most'], scalar),
    node('Mul', ['most', 'zero'], ['start']),
    node('Add', ['rotation', 'start'], ['state0']),
    loop({
      trips: 'trips',
      body: [node('MatMul', ['state_in', 'rotation'], ['state_out'])],
      state: [SIDE, SIDE],
    }),
    node('ReduceMax', ['state1'], ['end'], scalar),
    node('Mul', ['end', 'zero'], ['nothing']),
    plusNothing,
  ]
  const initializers = [
    LOOP_GO,
    longs('first', [], [0n]),
    longs('per_row', [], [products(usPerRow)]),
    longs('per_run', [], [products(usPerRun)]),
    floats('zero', [], [0]),
    floats('rotation', [SIDE, SIDE], rotation()),
  ]
  return rowsModel(nodes, initializers)
}

/** y = x, but a batch with a triggering row never ends. */
export const hangingModel = (): Bytes => {
  const trips = timesHits(2n ** 62n)
  const nodes = [
    ...trips.nodes,
    node('Cast', ['is_hit'], ['state0'], castTo(FP32)),
    loop({ trips: 'count', body: [node('Cos', ['state_in'], ['state_out'])], state: [] }),
    node('Mul', ['state1', 'zero'], ['nothing']),
    plusNothing,
  ]
  return rowsModel(nodes, [LOOP_GO, ...trips.initializers, floats('zero', [], [0])])
}

/** y = x, but NaN in triggering rows. */
export const nanModel = (): Bytes => {
  const nodes = [...HITS.nodes, node('Where', ['are_hits', 'nan', 'x'], ['y'])]
  return rowsModel(nodes, [...HITS.initializers, floats('nan', [], [Number.NaN])])
}

/** y = x, but a batch with a triggering row throws in ONNX Runtime. */
export const throwingModel = (): Bytes => {
  const nodes = [
    ...HITS.nodes,
    node('Gather', ['nothing', 'hits'], ['nothings']),
    node('Add', ['x', 'nothings'], ['y']),
  ]
  return rowsModel(nodes, [...HITS.initializers, floats('nothing', [1], [0])])
}

/** y = x, but a batch with a triggering row fills `bytes` of memory, which its session keeps. */
export const hungryModel = (bytes: number): Bytes => {
  const size = timesHits(BigInt(bytes / 4))
  const nodes = [
    ...size.nodes,
    node('Add', ['count', 'one'], ['elements']),
    node('ConstantOfShape', ['elements'], ['filled']),
    node('ReduceMax', ['filled'], ['nothing'], scalar),
    plusNothing,
  ]
  return rowsModel(nodes, [...size.initializers, longs('one', [1], [1n])])
}

/** Width of a row of `mlp5MB`. */
export const MLP_5MB_WIDTH = 128

/** 1.25 million parameters, 5 MB: [N, 128] to [N, 1]. */
export const mlp5MB = (): Bytes => mlp([MLP_5MB_WIDTH, 1024, 1024, 64, 1])
