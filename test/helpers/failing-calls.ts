/** File calls of which one fails, so that a test can go through all of them. */

import * as fs from 'node:fs'
import type { FileCalls } from '../../src/shared/atomic-file.ts'

export interface FailingCalls extends FileCalls {
  /** Calls so far. */
  count: number
}

/**
 * Real calls, the n-th of which fails with ENOSPC; never when n is 0. At most `writeBytesMax` bytes
 * are written at a time.
 */
export const failingCalls = (n: number, writeBytesMax = Number.POSITIVE_INFINITY): FailingCalls => {
  const step = () => {
    if (++calls.count === n) throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
  }
  const calls: FailingCalls = {
    count: 0,
    open: (path, flags, mode) => {
      step()
      return fs.openSync(path, flags, mode)
    },
    write: (file, bytes, offset) => {
      step()
      return fs.writeSync(file, bytes, offset, Math.min(writeBytesMax, bytes.length - offset))
    },
    fsync: (file) => {
      step()
      fs.fsyncSync(file)
    },
    close: (file) => {
      fs.closeSync(file)
      step()
    },
    rename: (from, to) => {
      step()
      fs.renameSync(from, to)
    },
    link: (from, to) => {
      step()
      fs.linkSync(from, to)
    },
    unlink: (path) => fs.unlinkSync(path),
  }
  return calls
}
