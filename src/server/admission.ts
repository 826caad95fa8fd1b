/** Stages 1 and 4 as pure decisions: what is refused before any work is spent on it. */

import { type Refusal, refuse } from '../shared/errors.ts'

/** Refuses bodies in an encoding that nobody here can read. `encoding`: as sent, '' if absent. */
export const admitBody = (encoding: string): Refusal | null => {
  if (encoding === '' || encoding.toLowerCase() === 'identity') return null
  return refuse('ENCODING_UNSUPPORTED', 'The body is compressed; send it without content-encoding')
}

/**
 * Bounds the queue of a version in rows. A request larger than the whole bound is let in when the
 * queue is empty: it could never be served otherwise.
 */
export const admitRows = (
  queuedRows: number,
  rows: number,
  queueRowsMax: number,
): Refusal | null => {
  if (queuedRows === 0 || queuedRows + rows <= queueRowsMax) return null
  return refuse('QUEUE_FULL', `${queuedRows} rows are waiting; the limit is ${queueRowsMax}`)
}
