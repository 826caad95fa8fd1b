/** Which layouts have their entries redacted, and with which key. */

import type { RecordLayout } from '../record-layout.ts'
import { EntryRedactor } from './entry-redactor.ts'
import { digestOf } from './hmac.ts'
import { hasRules } from './policy-rules.ts'

/**
 * null: entries of the layout go to disk as they are. `hmacKey`: the one that its policy names.
 * Without it what wants an HMAC is dropped, as it is where the policy names no key.
 */
export const redactorOf = (layout: RecordLayout, hmacKey: string | null): EntryRedactor | null => {
  const { policy } = layout
  if (!hasRules(policy) && policy.patterns.length === 0) return null
  return new EntryRedactor(layout, hmacKey === null ? null : digestOf(hmacKey))
}
