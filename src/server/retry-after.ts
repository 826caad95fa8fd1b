/** When a refused request may come again. */

import { ERRORS, type Refusal } from '../shared/errors.ts'

/** After which a shed request may come again, where the queue does not know better. */
const RETRY_AFTER_MS = 1000

/** Whole seconds, as headers and metadata have them; 0: not said. */
export const retryAfterSeconds = ({ code, retryAfterMs }: Omit<Refusal, 'detail'>): number =>
  Math.ceil((retryAfterMs ?? (ERRORS[code].http === 503 ? RETRY_AFTER_MS : 0)) / 1000)
