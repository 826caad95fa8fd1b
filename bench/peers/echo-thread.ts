/** The thread of the echo server: see echo.ts. */

import { parentPort } from 'node:worker_threads'
import { loadUws } from '../../src/server/uws-binary.ts'
import { currentThreadId } from '../../src/shared/threads.ts'

const uws = loadUws()
if (uws === null) throw new Error('No binary of uWebSockets.js loads on this system')

const forget = () => {}

uws
  .App()
  .post('/*', (response) => {
    response.onAborted(forget)
    response.onData((chunk, isLast) => {
      if (isLast) response.end(chunk)
    })
  })
  .listen('127.0.0.1', 0, (listener) => {
    if (listener === false) throw new Error('The echo server cannot listen')
    parentPort?.postMessage({
      tid: currentThreadId(),
      port: uws.us_socket_local_port(listener),
    })
  })
