/**
 * Clients that connect anew again and again, from a process of its own: `node
 * bench/load/reconnecting.ts`, a ReconnectingPlan as JSON on stdin; prints COUNTING as soon as
 * something counts, and a ReconnectingResult as one JSON line. Each asks some requests of its
 * connection, one after the other, closes it and connects again; so it does when it is refused,
 * after a time that doubles.
 */

import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { seededUniform } from './arrivals.ts'
import { COUNTING, type ReconnectingPlan, type ReconnectingResult } from './reconnecting-plan.ts'
import { formatRequest } from './request-bytes.ts'
import { ResponseStream } from './response-stream.ts'

// Most connections are refused: the error of each would else cost more than the connecting.
Error.stackTraceLimit = 0

const RETRY_MS = 10
const RETRY_MS_MAX = 1_000
const SEED = 9

const plan: ReconnectingPlan = JSON.parse(await text(process.stdin))
const request = formatRequest(plan.target)
const NONE = { good: 0, late: 0, refused: 0, failed: 0, broken: 0, connected: 0 }
const counts = { ...NONE }
let isOver = false

const note = (status: number, tookMs: number): void => {
  if (status === 200) counts[tookMs <= plan.deadlineMs ? 'good' : 'late']++
  else counts[status === 503 || status === 429 ? 'refused' : 'failed']++
}

/** From one connection to the end of it: whether all of its requests were answered. */
const useConnection = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(plan.target.port, '127.0.0.1')
    socket.setNoDelay(true)
    let left = plan.requestsPerConnection
    let sentMs = 0
    const ask = () => {
      sentMs = performance.now()
      socket.write(request)
    }
    const stream = new ResponseStream((status) => {
      if (isOver) return
      note(status, performance.now() - sentMs)
      left--
      if (left > 0) ask()
      else socket.destroy()
    })
    socket.once('connect', () => {
      counts.connected++
      ask()
    })
    socket.on('data', (chunk: Buffer) => stream.feed(chunk))
    socket.on('error', () => {}) // `close` follows
    socket.once('close', () => {
      if (left > 0 && !isOver) counts.broken++
      resolve(left === 0)
    })
  })

const uniform = seededUniform(SEED)

const live = async (): Promise<void> => {
  let retryMs = RETRY_MS
  while (!isOver) {
    if (await useConnection()) {
      retryMs = RETRY_MS
      continue
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs * (0.5 + uniform())))
    retryMs = Math.min(RETRY_MS_MAX, 2 * retryMs)
  }
}

const pass = (passSeconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, passSeconds * 1000))

for (let client = 0; client < plan.clients; client++) void live()
await pass(plan.settleSeconds)
Object.assign(counts, NONE)
console.log(COUNTING)
const startMs = performance.now()
await pass(plan.seconds)
isOver = true
const seconds = (performance.now() - startMs) / 1000
const result: ReconnectingResult = { ...counts, seconds }
console.log(JSON.stringify(result))
process.exit(0)
