/** The account that a frame begins with. */

import { type Account, FRAME, readAccount } from '../spool/segment-format.ts'
import type { Frame } from '../spool/segment-reader.ts'
import type { FrameAccount } from './producer-log.ts'

const ACCOUNTED: readonly number[] = [FRAME.RECORDS, FRAME.GAPS, FRAME.BEGIN, FRAME.END]

/**
 * null: it has none. A kind of a later release has who knows what in its place. `isBehindDamage`:
 * what is missing below its floor may come again in a later segment, as where its writer could not
 * sync; so the floor is as low as can be, but of END, behind which nothing comes;
 * `floorSeen` is what it said.
 */
export const accountOf = (
  { kind, payload }: Pick<Frame, 'kind' | 'payload'>,
  isBehindDamage = false,
): (Account & FrameAccount) | null => {
  const account = ACCOUNTED.includes(kind) ? readAccount(payload) : null
  if (account === null || !isBehindDamage || kind === FRAME.END) return account
  return { ...account, floor: 1, floorSeen: account.floor }
}
