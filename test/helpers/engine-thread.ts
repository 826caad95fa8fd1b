/** The thread of engine-process.ts. */

import { parentPort, workerData } from 'node:worker_threads'
import { createHttpEngine } from '../../src/server/http.ts'

const engine = createHttpEngine(workerData.kind, {
  bodyBytesMax: 1000,
  headerBytesMax: workerData.headerBytesMax,
  unsentBytesMax: 1024 * 1024,
  gate: { isClosed: false, admit: () => null },
  isTls: false,
  keyFolder: '',
  cors: null,
  traces: null,
  takeBodyBytes: () => true,
  onConnections: () => {},
  onAborted: () => {},
  onRequest: (exchange) => exchange.reply('200 OK', engine.name),
})

parentPort?.on('message', () => {
  engine.close()
  parentPort?.postMessage('closed')
})
parentPort?.postMessage(await engine.listen('127.0.0.1', 0))
