/** All targets, and what each has of the cases of a long run. */

import { DECODER_TARGETS } from './decoders.ts'
import { FEEDBACK_TARGET } from './feedback.ts'
import { FORMAT_TARGETS } from './formats.ts'
import { GRPC_TARGET } from './grpc.ts'
import type { Target } from './harness.ts'
import { HTTP_TARGETS } from './http.ts'

export const ALL_TARGETS: readonly Target[] = [
  ...DECODER_TARGETS,
  FEEDBACK_TARGET,
  GRPC_TARGET,
  ...FORMAT_TARGETS,
  ...HTTP_TARGETS,
]

/** Cases in a thousand: fewer where a case takes longer. */
export const SHARES: Readonly<Record<string, number>> = {
  'features JSON': 160,
  'OIP JSON': 160,
  'OIP binary': 160,
  'TensorFlow Serving': 160,
  'feedback JSON': 40,
  gRPC: 80,
  'content-encoding': 90,
  'config.pbtxt': 90,
  'ONNX walker': 40,
  'HTTP on uws': 10,
  'HTTP on node': 10,
}
