/**
 * A closed loop of unary calls over gRPC, from a process of its own: a CallPlan as JSON on stdin, a
 * CallResult as one JSON line on stdout. Every answer must have :status 200 and grpc-status 0, and
 * the prediction ids of the first ones must differ.
 */

import { type ClientHttp2Session, connect } from 'node:http2'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { type CallPlan, type CallResult, FRAME_BYTES } from './call-plan.ts'
import { Tally } from './tally.ts'

const DRAIN_MS = 2_000
const PREDICTION_ID = 'x-sluice-prediction-id'

const plan = JSON.parse(await text(process.stdin)) as CallPlan
const body = Buffer.from(plan.target.body, 'latin1')
const request = {
  ':method': 'POST',
  ':path': plan.target.path,
  ...Object.fromEntries(plan.target.headers.map((line) => line.split(': ', 2))),
}

const tally = new Tally()
let firstAnswer: string | null = null
let underWay = 0
let isOver = false

/** Of an answer: its head, and its trailers, which are part of the head where it has no message. */
type Fields = Record<string, unknown>

const failureOf = (fields: Fields): string | null => {
  const isGood = fields[':status'] === 200 && fields['grpc-status'] === '0'
  return isGood ? null : JSON.stringify(fields)
}

const call = (session: ClientHttp2Session): void => {
  const sinceMs = performance.now()
  const stream = session.request(request)
  const fields: Fields = {}
  const chunks: Buffer[] = []
  underWay++
  stream.on('response', (head) => Object.assign(fields, head))
  stream.on('trailers', (trailers) => Object.assign(fields, trailers))
  stream.on('data', (chunk: Buffer) => {
    if (firstAnswer === null) chunks.push(chunk)
  })
  stream.on('error', (error) => tally.failed(String(error)))
  stream.once('close', () => {
    underWay--
    if (fields[':status'] === undefined) {
      tally.failed('a call was not answered')
      return
    }
    const failure = failureOf(fields)
    tally.answered(sinceMs, failure, () => fields[PREDICTION_ID] as string | undefined)
    if (failure === null) {
      firstAnswer ??= Buffer.concat(chunks).subarray(FRAME_BYTES).toString('base64')
    }
    if (!isOver && !session.closed && !session.destroyed) call(session)
  })
  stream.end(body)
}

const open = async (): Promise<ClientHttp2Session> => {
  const session = connect(`http://127.0.0.1:${plan.target.port}`)
  await new Promise((resolve, reject) => {
    session.once('remoteSettings', resolve)
    session.once('error', reject)
  })
  session.on('error', (error) => tally.failed(String(error)))
  return session
}

const sessions = await Promise.all(Array.from({ length: plan.connections }, open))
const startMs = performance.now()
for (const session of sessions) {
  for (let stream = 0; stream < plan.streams; stream++) call(session)
}
await delay(plan.seconds * 1000)
isOver = true
const deadlineMs = performance.now() + DRAIN_MS
while (underWay > 0 && performance.now() < deadlineMs) await delay(1)
for (let left = underWay; left > 0; left--) tally.failed('no answer')
const seconds = (performance.now() - startMs) / 1000
const result: CallResult = { ...tally.result(seconds), firstAnswer }
console.log(JSON.stringify(result))
process.exit()
