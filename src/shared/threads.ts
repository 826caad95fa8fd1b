/** Starting threads and finding entry files: the only `new Worker`. */

import { readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Transferable, Worker } from 'node:worker_threads'

/** Absolute path of a process or thread entry, given relative to `src/`. */
export const entryPath = (fromSrc: string): string =>
  fileURLToPath(new URL(`../${fromSrc}`, import.meta.url))

/**
 * Starts a thread.
 *
 * @param entry file relative to `src/`, ending in `-thread.ts`
 * @param name shown by `top -H` and `ps -L` (15 bytes)
 * @param data structured-cloned into `workerData`
 * @param transfer what of it moves to the thread
 */
export const spawnThread = (
  entry: string,
  name: string,
  data: unknown,
  transfer: Transferable[] = [],
): Worker => new Worker(entryPath(entry), { name, workerData: data, transferList: transfer })

/** Kernel id of the calling thread, or 0 where /proc does not tell. */
export const currentThreadId = (): number => {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').pop())
  } catch {
    return 0 // not Linux: the id only serves tools
  }
}
