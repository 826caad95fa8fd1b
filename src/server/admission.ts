/** Stage 4 as a pure decision: what is refused before any work is spent on it. */

import { type Refusal, refuse } from '../shared/errors.ts'

/** What waits for a version. */
export interface QueueState {
  readonly queuedRows: number
  /** Those of them that belong to a request larger than the whole bound. */
  readonly oversizedRows: number
}

/**
 * Bounds the queue of a version in rows. A request larger than the whole bound is let in when the
 * queue is empty: it could never be served otherwise. So there is at most one, and what waits of it
 * is left out, since it runs in parts and others have their turn in between.
 */
export const admitRows = (
  { queuedRows, oversizedRows }: QueueState,
  rows: number,
  queueRowsMax: number,
): Refusal | null => {
  if (queuedRows === 0 || queuedRows - oversizedRows + rows <= queueRowsMax) return null
  return refuse('QUEUE_FULL', `${queuedRows} rows are waiting; the limit is ${queueRowsMax}`)
}
