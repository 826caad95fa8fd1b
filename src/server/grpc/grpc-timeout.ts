/** `grpc-timeout`: how long the client of a call waits (gRPC over HTTP/2). */

import { type Refusal, refuse } from '../../shared/errors.ts'

const TIMEOUT = /^([0-9]{1,8})([HMSmun])$/

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
}

/** Three years: clients that wait for ever say so by the longest time that they can. */
const GRANTED_MS_MAX = 1e11

/** Milliseconds; Infinity where nothing was sent. */
export const grantedMs = (sent: string): number | Refusal => {
  if (sent === '') return Number.POSITIVE_INFINITY
  const match = TIMEOUT.exec(sent)
  if (match !== null) return Math.min(Number(match[1]) * UNIT_MS[match[2]!]!, GRANTED_MS_MAX)
  const got = sent.slice(0, 32).toWellFormed()
  return refuse(
    'REQUEST_MALFORMED',
    `grpc-timeout must be digits and a unit, such as 250m, got: ${got}`,
  )
}
