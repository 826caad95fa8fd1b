/** The account that a frame begins with. */

import { type Account, FRAME, readAccount } from '../spool/segment-format.ts'
import type { Frame } from '../spool/segment-reader.ts'

const ACCOUNTED: readonly number[] = [FRAME.RECORDS, FRAME.GAPS, FRAME.BEGIN, FRAME.END]

/** null: it has none. A kind of a later release has who knows what in its place. */
export const accountOf = ({ kind, payload }: Pick<Frame, 'kind' | 'payload'>): Account | null =>
  ACCOUNTED.includes(kind) ? readAccount(payload) : null
