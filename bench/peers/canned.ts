/** What the peers of gRPC answer. */

import { workerData } from 'node:worker_threads'

export const METHOD = '/inference.GRPCInferenceService/ModelInfer'

/** By length of the request message in bytes. */
export const cannedAnswers = (): ReadonlyMap<number, Buffer> =>
  new Map(
    Object.entries(workerData as Record<string, string>).map(([length, answer]) => [
      Number(length),
      Buffer.from(answer, 'base64'),
    ]),
  )
