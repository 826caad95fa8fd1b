/** All targets, and what each has of the cases of a long run. */

import { DECODER_TARGETS } from './decoders.ts'
import { FORMAT_TARGETS } from './formats.ts'
import { GRPC_TARGET } from './grpc.ts'
import type { Target } from './harness.ts'
import { HTTP_TARGETS } from './http.ts'

export const ALL_TARGETS: readonly Target[] = [
  ...DECODER_TARGETS,
  GRPC_TARGET,
  ...FORMAT_TARGETS,
  ...HTTP_TARGETS,
]

/** Cases in a thousand: fewer where a case takes longer. */
export const SHARES: Readonly<Record<string, number>> = {
  'features JSON': 170,
  'OIP JSON': 170,
  'OIP binary': 170,
  'TensorFlow Serving': 170,
  gRPC: 80,
  'content-encoding': 90,
  'config.pbtxt': 90,
  'ONNX walker': 40,
  'HTTP on uws': 10,
  'HTTP on node': 10,
}
