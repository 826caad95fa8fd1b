/** `{"error": "..."}`: what clients of Triton, KServe and TensorFlow Serving read. */

import type { Refusal } from '../../shared/errors.ts'
import type { EncodedError } from './protocol.ts'

export const encodeErrorText = (refusal: Refusal): EncodedError => ({
  contentType: 'application/json',
  body: JSON.stringify({ error: refusal.detail }),
})
