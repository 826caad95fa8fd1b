/**
 * Open loop from a process of its own: `node bench/load/open-loop.ts`, an OpenPlan as JSON on
 * stdin; prints an OpenResult as one JSON line. Every request is due at a moment that nothing of
 * what the server does can move: it is sent then, on the connection that has been free longest, and
 * its latency counts from then.
 */

import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { phasedArrivals, secondsOf } from './arrivals.ts'
import type { OpenPlan, OpenResult, StreamPlan } from './open-plan.ts'
import { latenciesOf, type Sent, streamResult } from './open-tally.ts'
import { formatRequest } from './request-bytes.ts'
import { ResponseStream } from './response-stream.ts'

/** Longest wait for what is under way when no more is due, beyond the deadline. */
const DRAIN_MS = 2_000
const OPEN_MS_MAX = 20_000

const plan: OpenPlan = JSON.parse(await text(process.stdin))
let firstFailure: string | null = null

/** One connection with at most one request under way; it connects again when it is closed. */
class Connection {
  readonly #port: number
  readonly #onIdle: (connection: Connection) => void
  #socket: Socket | null = null
  #sent: Sent | null = null
  #isOver = false

  constructor(port: number, onIdle: (connection: Connection) => void) {
    this.#port = port
    this.#onIdle = onIdle
  }

  get isBusy(): boolean {
    return this.#sent !== null
  }

  open(): Promise<void> {
    const socket = connect(this.#port, '127.0.0.1')
    this.#socket = socket
    socket.setNoDelay(true)
    const stream = new ResponseStream((status, head, body) => this.#answered(status, head + body))
    socket.on('data', (chunk: Buffer) => stream.feed(chunk))
    socket.on('error', () => {}) // `close` follows
    socket.once('close', () => this.#closed())
    return new Promise((resolve) => {
      socket.once('connect', () => {
        this.#onIdle(this)
        resolve()
      })
    })
  }

  send(request: Buffer, sent: Sent): void {
    this.#sent = sent
    this.#socket?.write(request)
  }

  end(): void {
    this.#isOver = true
    this.#socket?.destroy()
  }

  #answered(status: number, answer: string): void {
    const sent = this.#sent
    if (sent === null) return
    this.#sent = null
    sent.status = status
    sent.answeredMs = performance.now() - startMs
    if (status !== 200 && status !== 503 && status !== 429) firstFailure ??= answer.slice(0, 500)
    this.#onIdle(this)
  }

  #closed(): void {
    if (this.#isOver) return
    if (this.#sent !== null) {
      this.#sent.status = -1
      firstFailure ??= 'the connection was closed under a request'
      this.#sent = null
    }
    const at = idle.indexOf(this, firstIdle)
    if (at >= 0) idle.splice(at, 1)
    setTimeout(() => void this.open(), 10)
  }
}

interface Stream {
  readonly plan: StreamPlan
  readonly request: Buffer
  readonly next: () => number
  readonly all: Sent[]
  dueMs: number
}

/** From `firstIdle` on, who has been idle longest first. */
const idle: Connection[] = []
let firstIdle = 0
const onIdle = (connection: Connection) => void idle.push(connection)
/** In turn: a server closes what nobody uses, and hundreds that open anew stop everything else. */
const takeIdle = (): Connection | undefined => {
  if (firstIdle > plan.connections) {
    idle.splice(0, firstIdle)
    firstIdle = 0
  }
  return firstIdle < idle.length ? idle[firstIdle++] : undefined
}
const { port } = plan.streams[0]!.target
const connections = Array.from({ length: plan.connections }, () => new Connection(port, onIdle))
const opened = Promise.all(connections.map((connection) => connection.open()))
const waiting = setTimeout(() => {
  throw new Error(`Only ${idle.length} of ${plan.connections} connections were accepted`)
}, OPEN_MS_MAX)
await opened
clearTimeout(waiting)

const streams: Stream[] = plan.streams.map((each, i) => {
  const next = phasedArrivals(each.phases, plan.seed + 1000 * i)
  return { plan: each, request: formatRequest(each.target), next, all: [], dueMs: next() }
})
const seconds = Math.max(...plan.streams.map(({ phases }) => secondsOf(phases)))
const startedAtMs = Date.now()
const startMs = performance.now()

/** Sends what is due, and says when the next is. */
const sendDue = (): number => {
  let nextMs = Number.POSITIVE_INFINITY
  for (const stream of streams) {
    for (;;) {
      const nowMs = performance.now() - startMs
      if (stream.dueMs > nowMs) break
      const sent: Sent = {
        dueMs: stream.dueMs,
        sentMs: Number.NaN,
        answeredMs: Number.NaN,
        status: 0,
      }
      stream.all.push(sent)
      const connection = takeIdle()
      if (connection !== undefined) {
        sent.sentMs = nowMs
        connection.send(stream.request, sent)
      }
      stream.dueMs = stream.next()
    }
    nextMs = Math.min(nextMs, stream.dueMs)
  }
  return nextMs
}

/** The longest rest: no answer is read meanwhile. */
const REST_MS_MAX = 0.5
const clock = new Int32Array(new SharedArrayBuffer(4))

/** Answers are read; then the core is left to whoever shares it, until the next is due. */
const nextTurn = async (dueMs: number): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve))
  const leftMs = dueMs - (performance.now() - startMs)
  if (leftMs > 0) Atomics.wait(clock, 0, 0, Math.min(leftMs, REST_MS_MAX))
}

for (;;) {
  const dueMs = sendDue()
  if (dueMs === Number.POSITIVE_INFINITY) break
  await nextTurn(dueMs)
}
const patienceMs = Math.max(...plan.streams.map(({ deadlineMs }) => deadlineMs)) + DRAIN_MS
const untilMs = performance.now() + patienceMs
while (connections.some(({ isBusy }) => isBusy) && performance.now() < untilMs) {
  await nextTurn(Number.POSITIVE_INFINITY)
}
for (const connection of connections) connection.end()

const lags = streams.flatMap(({ all }) =>
  all.filter(({ sentMs }) => !Number.isNaN(sentMs)).map(({ sentMs, dueMs }) => sentMs - dueMs),
)
const result: OpenResult = {
  startedAtMs,
  streams: streams.map((stream) => streamResult(stream.plan, stream.all, seconds, plan.binMs)),
  lagMs: latenciesOf(lags),
  firstFailure,
}
console.log(JSON.stringify(result))
