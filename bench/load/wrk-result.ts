/** What wrk with post.lua wrote, as a result. Pure. */

import type { LoadResult } from './load.ts'

/** Reads the line that post.lua writes, among what wrk itself prints. */
export const parseWrk = (output: string): LoadResult => {
  const line = output.split('\n').find((one) => one.startsWith('{'))
  if (line === undefined) throw new Error(`wrk gave no result\n${output}`)
  const { requests, durationUs, p50Us, p99Us, maxUs, ...errors } = JSON.parse(line)
  if (!(requests > 0)) throw new Error(`wrk was not answered once\n${output}`)
  return {
    requests,
    seconds: durationUs / 1e6,
    failures: errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    badAnswers: errors.status,
    latencyUs: { p50: p50Us, p99: p99Us, highest: maxUs },
  }
}
