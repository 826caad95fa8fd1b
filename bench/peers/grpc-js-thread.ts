/** The thread of the grpc-js echo: see grpc.ts. */

import { parentPort } from 'node:worker_threads'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { currentThreadId } from '../../src/shared/threads.ts'
import { cannedAnswers, METHOD } from './canned.ts'

const answers = cannedAnswers()
const pass = (bytes: Buffer): Buffer => bytes

const server = new Server()
server.register<Buffer, Buffer>(
  METHOD,
  (call: { readonly request: Buffer }, callback: (error: null, answer?: Buffer) => void) =>
    callback(null, answers.get(call.request.length)),
  pass,
  pass,
  'unary',
)
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error
  parentPort?.postMessage({ tid: currentThreadId(), port })
})
