/**
 * How many texts one request may have. Each is an object of its own on its way into the runtime and
 * out: 0.3 to 0.6 us and some 100 bytes through a session, though it may be empty, and so take 3
 * bytes of a body, and hardly one of a compressed body.
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Decoded } from './protocol.ts'

/** Of all inputs together: half a second at most, and 100 MB. */
export const TEXTS_MAX = 2 ** 20

/** Of a compressed body, so that its texts stay below 100 times its bytes. */
const FREE_TEXTS = 2048
const BYTES_PER_TEXT = 2

export const textsMaxOf = ({ sentBytes }: Decoded): number =>
  sentBytes < 0
    ? TEXTS_MAX
    : Math.min(TEXTS_MAX, FREE_TEXTS + Math.floor(sentBytes / BYTES_PER_TEXT))

/** Refuses more texts than `textsMax`, which is that of the request. */
export const tooManyTexts = (textsMax: number): Refusal =>
  textsMax === TEXTS_MAX
    ? refuse('BODY_TOO_LARGE', `A request may have ${TEXTS_MAX} strings: send fewer rows in one`)
    : refuse(
        'ENCODING_RATIO_EXCEEDED',
        `A compressed body of so few bytes may have ${textsMax} strings: send it as it is`,
      )
