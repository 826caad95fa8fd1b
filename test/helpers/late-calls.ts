/** Calls to control from a machine on which it may be late. */

import { CALL_MS_MAX } from '../../src/server/agent-calls.ts'

/** Clocks of two processes, and the way there. */
const TOLERANCE_MS = 100

/**
 * Asks again where control has used up its time: the machine was busy, which shows nothing. What is
 * refused earlier is an answer like any other.
 */
export const askUnlessLate = async (ask: () => Promise<Response>): Promise<Response> => {
  for (;;) {
    const startedMs = performance.now()
    const response = await ask()
    const isRefused = response.headers.get('x-sluice-error') === 'CONTROL_UNREACHABLE'
    if (!isRefused || performance.now() - startedMs < CALL_MS_MAX - TOLERANCE_MS) return response
    await response.arrayBuffer()
  }
}
