/**
 * The yardsticks of gRPC: servers that do nothing but answer, in one thread named as a data thread
 * is. Everything that Sluice does for a call is what it costs more than these.
 *
 *     node bench/peers/grpc.ts grpc-js '<answers as JSON>'
 *
 * `grpc-js` is the package as its documentation has it used, with serializers that pass bytes
 * through; `http2` is the server of Node below it: a head, the bytes, trailers with the status.
 * Neither sends metadata. Answers are messages in base64 by the length of what is asked, in bytes.
 *
 * Prints one line, `{"pid", "tid", "port"}`, and serves until SIGTERM.
 */

import { spawnThread } from '../../src/shared/threads.ts'

const [kind = '', answers = '{}'] = process.argv.slice(2)
const entry = `../bench/peers/${kind}-thread.ts`
const worker = spawnThread(entry, 'data-0', JSON.parse(answers))
worker.once('message', (ready: { tid: number; port: number }) => {
  console.log(JSON.stringify({ pid: process.pid, ...ready }))
})
// In good order, so that Node writes a profile where it was told to.
process.once('SIGTERM', () => process.exit())
