/** A client of gRPC that asks on and on, beside what a test does. */

import { atEnd } from './clean-up.ts'
import { type ClientOptions, GrpcClient, rawFloats } from './grpc-client.ts'
import { until } from './until.ts'

/** How long the client beside waits for one answer. */
const PATIENCE_MS = 10_000

export interface Beside {
  readonly answered: number
  readonly failures: readonly string[]
}

/** Asks `m` for rows of two floats, one after the other, until the test, or its file, has ended. */
export const keepAsking = (port: number, options: ClientOptions = {}): Beside => {
  const client = new GrpcClient(port, options)
  const request = rawFloats('m', [1, 2])
  const seen = { answered: 0, failures: [] as string[] }
  let isOver = false
  const ask = async (): Promise<boolean> => {
    const { code, details } = await client.call('ModelInfer', request, { timeoutMs: PATIENCE_MS })
    if (code === 'OK') seen.answered++
    else if (!isOver) seen.failures.push(`${code}: ${details}`)
    return isOver
  }
  const asking = until(ask, { what: 'the end of the file', timeoutMs: 600_000, everyMs: 5 })
  atEnd(async () => {
    isOver = true
    await asking
  })
  return seen
}
