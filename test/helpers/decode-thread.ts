/** A thread with little memory that decodes bodies: it dies of one that takes too much. */

import { parentPort } from 'node:worker_threads'
import * as featuresJson from '../../src/server/protocols/features-json.ts'
import * as oipJson from '../../src/server/protocols/oip-json.ts'
import * as tfsJson from '../../src/server/protocols/tfs-json.ts'
import { emptyDecoded, feature, planOf, tensor } from './variant-plans.ts'

const FORMATS = { features: featuresJson, oip: oipJson, tfs: tfsJson }

export interface DecodeTask {
  readonly format: keyof typeof FORMATS
  /** Of how many columns the one FP32 input has, each an optional feature; 0: rows of free size. */
  readonly width: number
  readonly body: Uint8Array
}

export interface DecodeOutcome {
  readonly code: string
  /** Of the tensors of the request. */
  readonly bytes: number
}

const planWith = (width: number) =>
  width === 0
    ? planOf({ inputs: [tensor('x', 'INT64', -1, -1)] })
    : planOf({
        inputs: [tensor('x', 'FP32', -1, width)],
        features: Array.from({ length: width }, (_, column) =>
          feature({ name: `feature_${column}`, tensor: 'x', column, optional: true }),
        ),
      })

parentPort?.on('message', ({ format, width, body }: DecodeTask) => {
  const decoded = emptyDecoded()
  const { decodeRequest } = FORMATS[format]
  const target = { columns: [], row: 0, room: 0 }
  const refusal = decodeRequest(body, planWith(width), target, decoded, () => {})
  const tensors = decoded.tensors ?? []
  const bytes = tensors.reduce((sum, { data }) => sum + (data as Float32Array).byteLength, 0)
  parentPort?.postMessage({ code: refusal?.code ?? '', bytes } satisfies DecodeOutcome)
})
