/**
 * A process with one HTTP engine in a thread, as a replica has: prints its port; SIGTERM closes the
 * engine and exits with 0. Header blocks may be 16 KiB, which only the main thread can arrange.
 *
 *     node test/helpers/engine-process.ts uws|node
 */

import { announceHeaderLimit } from '../../src/server/uws-binary.ts'
import { spawnThread } from '../../src/shared/threads.ts'

const HEADER_BYTES_MAX = 16_384

announceHeaderLimit(HEADER_BYTES_MAX)
const data = { kind: process.argv[2], headerBytesMax: HEADER_BYTES_MAX }
const worker = spawnThread('../test/helpers/engine-thread.ts', 'engine', data)
worker.on('message', (message: number | 'closed') => {
  if (message === 'closed') process.exit(0)
  console.log(message)
})
process.on('SIGTERM', () => worker.postMessage('close'))
