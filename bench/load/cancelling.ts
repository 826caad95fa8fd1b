/**
 * Clients that all ask at once and of which half go before they are answered, from a process of its
 * own: `node bench/load/cancelling.ts`, a CancellingPlan as JSON on stdin; prints a
 * CancellingResult as one JSON line when nobody waits any more.
 */

import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { CancellingPlan, CancellingResult } from './cancelling-plan.ts'
import { formatRequest } from './request-bytes.ts'
import { ResponseStream } from './response-stream.ts'

const plan: CancellingPlan = JSON.parse(await text(process.stdin))
const request = formatRequest(plan.target)
const counts = { answered: 0, cancelled: 0, failed: 0 }

const openSocket = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(plan.target.port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('connect', () => resolve(socket.setNoDelay(true)))
  })

/** Asks once; resolves when that has been answered, or has been called off. */
const ask = (socket: Socket, isFickle: boolean): Promise<void> =>
  new Promise((resolve) => {
    const finish = (outcome: keyof typeof counts) => {
      counts[outcome]++
      clearTimeout(timer)
      socket.removeAllListeners('close').destroy()
      resolve()
    }
    const timer = isFickle ? setTimeout(() => finish('cancelled'), plan.cancelAfterMs) : undefined
    const stream = new ResponseStream((status) => finish(status === 200 ? 'answered' : 'failed'))
    socket.on('data', (chunk: Buffer) => stream.feed(chunk))
    socket.on('error', () => {}) // `close` follows
    socket.once('close', () => finish('failed'))
    socket.write(request)
  })

const sockets = await Promise.all(Array.from({ length: plan.clients }, openSocket))
await Promise.all(sockets.map((socket, i) => ask(socket, i % 2 === 1)))
const result: CancellingResult = counts
console.log(JSON.stringify(result))
