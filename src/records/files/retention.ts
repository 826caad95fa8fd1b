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

const sumOf = (files: Iterable<OwnFile>): number =>
  Array.from(files, ({ bytes }) => bytes).reduce((sum, bytes) => sum + bytes, 0)

/** Whether there are more bytes than there may be. */
export const isTooMuch = (files: Iterable<OwnFile>, bytesMax: number): boolean =>
  bytesMax > 0 && sumOf(files) > bytesMax

/** Files to delete, the oldest first; `nowMs` is a wall clock that can be believed. */
export const filesToRetire = (
  files: readonly OwnFile[],
  { bytesMax, daysMax }: RetentionLimits,
  nowMs: number,
): OwnFile[] => {
  const sorted = files.toSorted(byAge(nowMs))
  let bytes = sumOf(files)
  return sorted.filter((file) => {
    const isOld = daysMax > 0 && ageMsOf(file, nowMs) > daysMax * DAY_MS
    const isBeyond = bytesMax > 0 && bytes > bytesMax
    if (isOld || isBeyond) bytes -= file.bytes
    return isOld || isBeyond
  })
}
