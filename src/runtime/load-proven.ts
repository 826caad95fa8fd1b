/** Replica side of proving: only bytes that were proved become a session. */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { GatewayError } from '../shared/errors.ts'
import type { SessionSettings } from '../shared/session-settings.ts'
import { createSession } from './session.ts'
import type { Session } from './session-types.ts'

/**
 * Reads the proven copy once, checks its digest, and makes the session from those same bytes, so
 * that nobody can change them in between. The copy was optimised when it was made. Throws
 * DIGEST_MISMATCH, or what createSession throws.
 */
export const loadProven = (file: string, sha256: string, settings: SessionSettings): Session => {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (cause) {
    throw new GatewayError('DIGEST_MISMATCH', 'The proven copy cannot be read', { cause })
  }
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== sha256) {
    throw new GatewayError('DIGEST_MISMATCH', 'The proven copy has changed since it was proved')
  }
  return createSession(bytes, { ...settings, graphOptimization: 'disabled' })
}
