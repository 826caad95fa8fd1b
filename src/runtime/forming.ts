/** How the next batch is put together of what waits: the head of a lane, and who else fits. */

import type { Batch } from './batch.ts'
import type { Lane } from './lane.ts'
import type { Queued } from './row-queue.ts'
import type { Waiting } from './waiting.ts'

/** What a batch could become now. */
export interface Outlook {
  /** Rows of all that could share its run, in their order. */
  rows: number
  /** The largest preferred size that they add up to; 0: none. */
  preferredRows: number
  /** Nothing waits beside them. */
  isAll: boolean
}

/** Whether a run of so many rows ends before `deadlineMs`. */
export type KeepsDeadline = (rows: number, deadlineMs: number) => boolean

/** Looks at who would share a run with the head of a lane. */
export const lookAhead = <M extends Queued>(
  waiting: Waiting<M>,
  head: Batch<M>,
  preferred: readonly number[],
): Outlook => {
  const capacity = waiting.capacityOf(head)
  const outlook: Outlook = { rows: 0, preferredRows: 0, isAll: false }
  const addAll = (batch: Batch<M>): boolean => {
    if (!batch.isLike(head) || batch.parts !== null) return false
    for (const size of batch.sizes) {
      if (outlook.rows + size > capacity) return false
      outlook.rows += size
      if (preferred.includes(outlook.rows)) outlook.preferredRows = outlook.rows
    }
    return true
  }
  if (!addAll(head)) return outlook
  for (const { batches, delayed } of waiting.lanes) {
    for (const list of [batches, delayed]) {
      for (const batch of list) {
        if (batch !== head && !addAll(batch)) return outlook
      }
    }
  }
  outlook.isAll = true
  return outlook
}

/**
 * Takes the head of a lane out, with as many of its members, or of those behind it, as make up to
 * `rowsMax` rows: those of its lane first, then level by level.
 */
export const takeBatch = <M extends Queued>(
  waiting: Waiting<M>,
  lane: Lane<M>,
  rowsMax: number,
  nowMs: number,
  keepsDeadline: KeepsDeadline,
): Batch<M> => {
  const list = lane.batches.length > 0 ? lane.batches : lane.delayed
  const batch = list.shift()!
  lane.runs -= waiting.runsOf(batch.leftRows)
  batch.pack()
  const cut = batch.rows > rowsMax ? batch.starts.findLastIndex((start) => start <= rowsMax) : 0
  if (cut > 0) {
    const rest = waiting.emptyLike(batch)
    batch.splitInto(rest, cut)
    list.unshift(rest)
    lane.runs += waiting.runsOf(rest.rows)
  }
  lane.leftAll(batch)
  if (cut === 0)
    fill(waiting, batch, Math.min(rowsMax, waiting.capacityOf(batch)), nowMs, keepsDeadline)
  waiting.rows -= batch.rows
  return batch
}

/** Nearly always nobody fits: who did when it arrived is in the batch. */
const fill = <M extends Queued>(
  waiting: Waiting<M>,
  batch: Batch<M>,
  rowsMax: number,
  nowMs: number,
  keepsDeadline: KeepsDeadline,
): void => {
  if (batch.rows >= rowsMax || !waiting.mixes) return
  /** False: the next one does not fit, and nobody overtakes it. */
  const adoptAll = (lane: Lane<M>, list: Batch<M>[]): boolean => {
    for (let source = list[0]; source !== undefined; source = list[0]) {
      if (!source.isLike(batch) || source.parts !== null || source.dueMs <= nowMs) return false
      while (source.members.length > 0) {
        const rows = batch.rows + source.sizes[0]!
        const deadlineMs = Math.min(batch.deadlineMs, source.members[0]!.deadlineMs)
        if (rows > rowsMax || !keepsDeadline(rows, deadlineMs)) return false
        batch.adopt(source, 0)
        lane.left(source.members[0]!, source.sizes[0]!)
        source.remove(0)
      }
      list.shift()
      lane.runs -= 1
      waiting.recycle(source)
    }
    return true
  }
  for (const lane of waiting.lanes) {
    if (lane.rows === 0) continue
    if (!adoptAll(lane, lane.batches) || !adoptAll(lane, lane.delayed)) return
  }
}
