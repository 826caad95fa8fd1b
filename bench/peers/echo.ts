/**
 * The yardstick of the HTTP benchmarks: uWebSockets.js as Sluice loads it, in one thread named as a
 * data thread is, answering every POST with the body it got. Everything that Sluice does for a
 * request is what it costs more than this.
 *
 *     node bench/peers/echo.ts
 *
 * prints one line, `{"pid", "tid", "port"}`, and serves until it is killed.
 *
 * CPU of the serving thread: the first number of /proc/<pid>/task/<tid>/schedstat, nanoseconds.
 */

import { spawnThread } from '../../src/shared/threads.ts'

const worker = spawnThread('../bench/peers/echo-thread.ts', 'data-0', null)
worker.once('message', (ready: { tid: number; port: number }) => {
  console.log(JSON.stringify({ pid: process.pid, ...ready }))
})
