/** A disk that does not give parts of a file any more. */

import type { CrashFiles } from '../crash-files.ts'

const PAGE_BYTES = 4096

export interface SpoilOptions {
  /** Whether the disk does not give them now. */
  isAway?(): boolean
  /** One of them was asked for. */
  onAsked?(): void
}

/** What is to be read of the file is EIO where these bytes are, and whole before, as Linux does. */
export const spoilPages = (
  files: CrashFiles,
  path: string,
  places: readonly number[],
  { isAway = () => true, onAsked = () => {} }: SpoilOptions = {},
): void => {
  const bad = new Set(places.map((place) => Math.floor(place / PAGE_BYTES)))
  const { open, read } = files
  const opened = new Set<number>()
  files.open = (each, flags) => {
    const file = open.call(files, each, flags)
    if (each === path) opened.add(file)
    return file
  }
  files.read = (file, bytes, offset, length, position) => {
    if (!opened.has(file) || !isAway()) {
      return read.call(files, file, bytes, offset, length, position)
    }
    const first = Math.floor(position / PAGE_BYTES)
    if (bad.has(first)) {
      onAsked()
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    const next = Math.min(...[...bad].filter((page) => page > first)) * PAGE_BYTES
    const count = Math.min(length, next - position)
    return read.call(files, file, bytes, offset, count, position)
  }
}

/** What is known of these files but their names is on a part of the disk that it does not give. */
export const spoilInodes = (
  files: CrashFiles,
  paths: readonly string[],
  { isAway = () => true, onAsked = () => {} }: SpoilOptions = {},
): void => {
  const { open, stat, rename } = files
  const ask = (path: string): void => {
    if (!paths.includes(path) || !isAway()) return
    onAsked()
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  }
  files.open = (path, flags) => {
    ask(path)
    return open.call(files, path, flags)
  }
  files.stat = (path) => {
    ask(path)
    return stat.call(files, path)
  }
  files.rename = (from, to) => {
    ask(from)
    rename.call(files, from, to)
  }
}
