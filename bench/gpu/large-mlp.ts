/** A network that wants a GPU: 300 MB of weights, little to send. */

import {
  type Bytes,
  ELEMENT,
  graph,
  model,
  node,
  tensor,
  value,
} from '../../test/helpers/onnx-writer.ts'
import { seededUniform } from '../load/arrivals.ts'

export const INPUT_WIDTH = 128
const WIDTHS = [INPUT_WIDTH, 6144, 6144, 6144, 16] as const

const SEED = 11
/** Drawn once a layer and repeated: a draw for each weight takes seconds. No width divides it. */
const DRAWS = 65_521

/** Such that activations neither grow nor vanish from layer to layer. */
const weights = (from: number, to: number, layer: number): Float32Array => {
  const uniform = seededUniform(SEED + layer)
  const scale = Math.sqrt(6 / from)
  const drawn = Float32Array.from({ length: DRAWS }, () => (uniform() * 2 - 1) * scale)
  const all = new Float32Array(from * to)
  for (let at = 0; at < all.length; at += DRAWS) {
    all.set(drawn.subarray(0, Math.min(DRAWS, all.length - at)), at)
  }
  return all
}

/** Rows of 128 floats to rows of 16: MatMul and Relu, in FP32. */
export const largeMlp = (): Bytes => {
  const nodes: Bytes[] = []
  const initializers: Bytes[] = []
  const last = WIDTHS.length - 1
  let from = 'x'
  for (let layer = 1; layer <= last; layer++) {
    const dims = [WIDTHS[layer - 1]!, WIDTHS[layer]!] as const
    initializers.push(tensor(`w${layer}`, ELEMENT.FP32, dims, weights(...dims, layer)))
    const product = layer === last ? 'y' : `m${layer}`
    nodes.push(node('MatMul', [from, `w${layer}`], [product]))
    from = `a${layer}`
    if (layer < last) nodes.push(node('Relu', [product], [from]))
  }
  const inputs = [value('x', ELEMENT.FP32, ['N', INPUT_WIDTH])]
  const outputs = [value('y', ELEMENT.FP32, ['N', WIDTHS[last]!])]
  return model(graph({ nodes, inputs, outputs, initializers }))
}
