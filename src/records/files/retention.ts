/** Which files have had their time: a decision on plain data. */

import type { OwnFile } from './own-files.ts'
import { HOUR_MS } from './partitions.ts'

export interface RetentionLimits {
  /** Of all files together; 0: any number. */
  readonly bytesMax: number
  /** 0: for ever. */
  readonly daysMax: number
}

const DAY_MS = 24 * HOUR_MS

/** When what is in a file was recorded, or written if that was later: a clock may be years late. */
const ageMsOf = ({ hour, changedMs }: OwnFile, nowMs: number): number =>
  nowMs - Math.max((hour + 1) * HOUR_MS, changedMs)

/** What a clock that was ahead has dated in the future is as old as its number says. */
const byAge = (nowMs: number) => {
  const hourOf = ({ hour }: OwnFile): number => Math.min(hour, Math.floor(nowMs / HOUR_MS))
  return (a: OwnFile, b: OwnFile): number => hourOf(a) - hourOf(b) || a.number - b.number
}

/** Files to delete, the oldest first; `nowMs` is a wall clock that can be believed. */
export const filesToRetire = (
  files: readonly OwnFile[],
  { bytesMax, daysMax }: RetentionLimits,
  nowMs: number,
): OwnFile[] => {
  const sorted = files.toSorted(byAge(nowMs))
  let bytes = sorted.reduce((sum, file) => sum + file.bytes, 0)
  return sorted.filter((file) => {
    const isOld = daysMax > 0 && ageMsOf(file, nowMs) > daysMax * DAY_MS
    const isTooMuch = bytesMax > 0 && bytes > bytesMax
    if (isOld || isTooMuch) bytes -= file.bytes
    return isOld || isTooMuch
  })
}
