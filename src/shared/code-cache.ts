/**
 * Code of Sluice as Node has compiled it, kept on disk for the next process. Types are stripped and
 * 200 modules compiled at each start otherwise: half of the time until a replica serves.
 */

import { enableCompileCache, flushCompileCache } from 'node:module'

/**
 * This process takes from `folder` what it imports from now on, and adds what it lacks at its end.
 * Nothing happens where it may not write there, or NODE_COMPILE_CACHE names another folder.
 */
export const openCodeCache = (folder: string): void => {
  enableCompileCache(folder)
}

/** Adds what this thread has imported so far: a process that is killed has no end. */
export const writeCodeCache = (): void => flushCompileCache()
