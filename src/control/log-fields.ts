/** What log lines about errors hold. */

import { GatewayError } from '../shared/errors.ts'

/** The error with its stack, unless it is one of ours: that is told by its code and message. */
export const foreignError = (thrown: unknown): { error?: unknown } =>
  thrown instanceof GatewayError ? {} : { error: thrown }
