/** What planning has to do with records, where nothing is written down. */

import { NO_RECORDS } from '../../src/shared/record-policy.ts'

export const UNRECORDED_PARTS = { policies: NO_RECORDS, onUnmatched: () => {} }
