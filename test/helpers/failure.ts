/** How a call fails, as far as it is promised. */

import { type ErrorCode, GatewayError } from '../../src/shared/errors.ts'

/** Code and detail of the GatewayError that a call throws or rejects with. */
export const failure = async (
  task: () => unknown,
): Promise<{ code: ErrorCode; detail: string }> => {
  try {
    await task()
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, detail: error.message }
    throw error
  }
  throw new Error('It did not fail')
}
