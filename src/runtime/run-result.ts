/** What a run gave back: whether its shape can be taken apart, and what to say when it threw. */

import { type Refusal, refuse } from '../shared/errors.ts'
import type { Tensor } from '../shared/tensor.ts'

/** Whether every output has one row per input row. */
export const rowsMatch = (results: readonly Tensor[], rows: number): boolean => {
  for (const { shape } of results) if (shape[0] !== rows) return false
  return true
}

const MESSAGE_MAX = 200

/** Messages of the runtime can be long and hold file names of its build; clients get the gist. */
export const runFailure = (thrown: unknown): Refusal => {
  const line = thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : 'unknown'
  const withoutPaths = line.replaceAll(/(?:\/[\w.+-]+){2,}(?::\d+)?/g, '…')
  const cut = withoutPaths.length > MESSAGE_MAX
  const gist = cut ? `${withoutPaths.slice(0, MESSAGE_MAX - 1)}…` : withoutPaths
  return refuse('INFERENCE_FAILED', `The model failed on this input: ${gist}`)
}
