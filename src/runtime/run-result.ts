/** What a run gave back: whether its shape can be taken apart, and what to say when it threw. */

import { type Refusal, refuse } from '../shared/errors.ts'
import type { Tensor } from '../shared/tensor.ts'
import { plainMessage } from './native-message.ts'

/** Whether every output has one row per input row. */
export const rowsMatch = (results: readonly Tensor[], rows: number): boolean => {
  for (const { shape } of results) if (shape[0] !== rows) return false
  return true
}

/** Refuses a request of several runs whose answers are too much to keep until the last. */
export const tooMuchKept = (values: number, valuesMax: number): Refusal => {
  const found = `All outputs of the model together would have ${values} values`
  const fewer = `the limit is ${valuesMax}. Send fewer rows in one request`
  return refuse('ANSWER_TOO_LARGE', `${found}; ${fewer}`)
}

const MESSAGE_MAX = 200

/** Messages of the runtime can be long and hold file names of its build; clients get the gist. */
export const runFailure = (thrown: unknown): Refusal => {
  const gist = plainMessage(thrown, MESSAGE_MAX)
  return refuse('INFERENCE_FAILED', `The model failed on this input: ${gist}`)
}
