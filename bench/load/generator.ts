/**
 * Load from a process of its own: `node bench/load/generator.ts '<LoadPlan as JSON>'`; prints a
 * GeneratorResult as one JSON line, and a closed loop BEGUN before it. Requests are formatted once.
 * Every answer must be a 200; of the first ones the prediction ids must differ.
 */

import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { poissonArrivals } from './arrivals.ts'
import { BEGUN, type LoadPlan } from './load.ts'
import { formatRequest } from './request-bytes.ts'
import { ResponseStream } from './response-stream.ts'
import { Tally } from './tally.ts'

const DRAIN_MS = 2_000
const SEED = 1
const CLOSES = /\r\nconnection: *close\r\n/i
const PREDICTION_ID = /\r\nx-sluice-prediction-id: *(\S+)\r\n/i

const plan: LoadPlan = JSON.parse(process.argv[2] ?? '{}')

const tally = new Tally()
const request = formatRequest(plan.target)

/** One connection with at most one request under way; a new one where the server wants to close. */
class Connection {
  readonly #onIdle: (connection: Connection) => void
  #socket: Socket | null = null
  #sinceMs = 0
  isBusy = false
  isOver = false

  constructor(onIdle: (connection: Connection) => void) {
    this.#onIdle = onIdle
  }

  open(): Promise<void> {
    const socket = connect(plan.target.port, '127.0.0.1')
    this.#socket = socket
    socket.setNoDelay(true)
    const stream = new ResponseStream((status, head, body) => {
      this.isBusy = false
      const failure = status === 200 ? null : head + body
      tally.answered(this.#sinceMs, failure, () => PREDICTION_ID.exec(head)?.[1])
      // A connection that is refused counts as a failure already.
      if (CLOSES.test(head)) this.#reopen().catch(() => {})
      else this.#onIdle(this)
    })
    socket.on('data', (chunk: Buffer) => stream.feed(chunk))
    socket.on('error', (error) => tally.failed(String(error)))
    socket.on('close', () => {
      if (this.isBusy && this.#socket === socket) {
        tally.failed('the connection was closed under a request')
        this.isBusy = false
      }
    })
    return new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
  }

  async #reopen(): Promise<void> {
    this.#socket?.destroy()
    if (this.isOver) return
    await this.open()
    this.#onIdle(this)
  }

  /** `sinceMs`: when the request was due, from which its latency counts. */
  send(sinceMs: number): void {
    this.isBusy = true
    this.#sinceMs = sinceMs
    this.#socket?.write(request)
  }

  close(): void {
    this.isOver = true
    this.#socket?.destroy()
  }
}

const openAll = async (onIdle: (connection: Connection) => void): Promise<Connection[]> => {
  const all = Array.from({ length: plan.connections }, () => new Connection(onIdle))
  await Promise.all(all.map((connection) => connection.open()))
  return all
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const drain = async (connections: readonly Connection[]): Promise<void> => {
  const deadlineMs = performance.now() + DRAIN_MS
  while (connections.some(({ isBusy }) => isBusy) && performance.now() < deadlineMs) {
    await nextTurn()
  }
  for (const connection of connections) {
    if (connection.isBusy) tally.failed('no answer')
    connection.isBusy = false
    connection.close()
  }
}

const isTold = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))

const closedLoop = async (): Promise<number> => {
  let endMs = Number.POSITIVE_INFINITY
  const connections = await openAll((connection) => {
    const nowMs = performance.now()
    if (nowMs < endMs) connection.send(nowMs)
  })
  console.log(BEGUN)
  const startMs = performance.now()
  for (const connection of connections) connection.send(performance.now())
  await Promise.race([delay(plan.seconds * 1000), isTold])
  endMs = performance.now()
  await drain(connections)
  return (performance.now() - startMs) / 1000
}

/** Requests are sent when due, or as soon as a connection is idle; a late one counts as late. */
const openLoop = async (perSecond: number): Promise<number> => {
  const idle: Connection[] = []
  const connections = await openAll((connection) => idle.push(connection))
  idle.push(...connections)
  const nextArrival = poissonArrivals(perSecond, SEED)
  const startMs = performance.now()
  const endMs = startMs + plan.seconds * 1000
  let dueMs = startMs + nextArrival()
  while (performance.now() < endMs) {
    while (dueMs <= performance.now() && idle.length > 0) {
      idle.pop()!.send(dueMs)
      dueMs = startMs + nextArrival()
    }
    await nextTurn()
  }
  await drain(connections)
  return (performance.now() - startMs) / 1000
}

const seconds = plan.perSecond === null ? await closedLoop() : await openLoop(plan.perSecond)
console.log(JSON.stringify(tally.result(seconds)))
process.exit() // where it was told to end, the rest of its time is still to come
