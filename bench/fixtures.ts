/** What the servers are asked: one row of 30 numbers, always the same. */

import { seededUniform } from './load/arrivals.ts'

export const MLP_REPOSITORY = 'bench/fixtures/models'
export const MLP_FILE = `${MLP_REPOSITORY}/mlp/1/model.onnx`

const uniform = seededUniform(30)

/** Seven significant digits, as a float32 printed by most clients. */
const ROW: readonly number[] = Array.from({ length: 30 }, () =>
  Number((uniform() * 2 - 1).toPrecision(7)),
)

export const FEATURES_BODY = JSON.stringify({ features: ROW })

export const OIP_PATH = '/v2/models/mlp/infer'

export const OIP_BODY = JSON.stringify({
  inputs: [{ name: 'input', shape: [1, ROW.length], datatype: 'FP32', data: ROW }],
})
