/**
 * A process that decodes bodies and answers whole requests one after the other, as a data thread
 * does, and tells what each took. It is started with `--expose-gc`, and with a young generation so
 * small that what is garbage soon hardly counts.
 */

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { GCProfiler } from 'node:v8'
import { createSession } from '../../../src/runtime/session.ts'
import { withPlainBody } from '../../../src/server/content-encoding.ts'
import * as featuresJson from '../../../src/server/protocols/features/features-json.ts'
import * as grpcInfer from '../../../src/server/protocols/grpc/grpc-infer.ts'
import * as oipJson from '../../../src/server/protocols/oip/oip-json.ts'
import type { Decoded } from '../../../src/server/protocols/protocol.ts'
import * as tfsJson from '../../../src/server/protocols/tfs/tfs-json.ts'
import { identity } from '../models.ts'
import { emptyDecoded } from '../variant-plans.ts'
import { type AnswerTask, answerRun } from './answers.ts'
import { PLANS, type PlanName } from './plans.ts'

export interface DecodeTask {
  readonly format: 'features' | 'oip' | 'tfs' | 'grpc' | 'wasteful'
  readonly plan: PlanName
  readonly body: Uint8Array
  /** Of the body, as in a header. */
  readonly encoding: string
  /** As in a header; -1: it was not sent. */
  readonly jsonBytes: number
}

/** A body of texts that is also run, by a model that gives them back: natively they take more. */
export interface RunTask {
  readonly run: DecodeTask
}

/** Writing so many bytes to a server, as cheaply as a client can. */
export interface SendTask {
  readonly port: number
  readonly bytes: number
}

export interface Cost {
  /** '' if the body was taken. */
  readonly code: string
  /** Most memory at a time beyond what there was before. */
  readonly peakBytes: number
  /** The least that one of many times took. */
  readonly cpuMs: number
  /** Of the body of the answer; of a decoder 0. */
  readonly answerBytes: number
}

export type Task = DecodeTask | AnswerTask | RunTask | SendTask

export interface Job {
  readonly task: Task
  readonly effort: Effort
}

/** What any request may take, whatever its bytes. */
const FREE_BYTES = 256 * 1024

const ROUNDS = 3
const PIECE_BYTES = 64 * 1024

const FORMATS = { features: featuresJson, oip: oipJson, tfs: tfsJson, grpc: grpcInfer } as const
const LIMITS = { bodyBytesMax: 64 * 2 ** 20, takeBodyBytes: () => true }

/** A decoder that takes 200 times what it reads: the test must notice. */
const wasteful = (body: Uint8Array): string => {
  const waste = new Uint8Array(200 * body.length)
  return waste.length === 0 ? 'REQUEST_MALFORMED' : ''
}

const decodedOf = ({ body, encoding, jsonBytes }: DecodeTask): Decoded => ({
  ...emptyDecoded(jsonBytes),
  sentBytes: encoding === '' ? -1 : body.length,
})

const decode = (task: DecodeTask, decoded = decodedOf(task)): string => {
  const { format, plan, body, encoding } = task
  if (format === 'wasteful') return wasteful(body)
  const { decodeRequest } = FORMATS[format]
  const target = { columns: [], row: 0, room: 0 }
  const refusal = withPlainBody(body, encoding, LIMITS, (plain) =>
    decodeRequest(plain, PLANS[plan], target, decoded, () => {}),
  )
  return refusal?.code ?? ''
}

/** Collects everything; the memory of arrays is given back a little later. */
const collect = async (): Promise<void> => {
  for (let round = 0; round < 2; round++) {
    globalThis.gc!()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/**
 * Memory is only given back when V8 collects. So what is outside of the heap was most before some
 * collection or at the end, and what lives on the heap is known after each.
 */
const peakBytes = async (run: () => void): Promise<number> => {
  const profiler = new GCProfiler()
  await collect()
  const before = process.memoryUsage()
  profiler.start()
  run()
  const after = process.memoryUsage()
  const { statistics } = profiler.stop()!
  await collect()
  const { heapUsed } = process.memoryUsage()
  const samples = statistics.map(({ beforeGC, afterGC }) => {
    const external = beforeGC.heapStatistics.externalMemory
    return afterGC.heapStatistics.usedHeapSize + external
  })
  return Math.max(heapUsed + after.external, ...samples) - before.heapUsed - before.external
}

/** How exactly CPU is measured: the least of so many samples, each of so many milliseconds. */
export interface Effort {
  readonly samples: number
  readonly sampleMs: number
}

const cpuMsSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/** Of one run, on average over those of a sample: the clock has steps of up to 4 ms. */
const sampledCpuMs = async (run: () => void | Promise<void>, sampleMs: number): Promise<number> => {
  const before = process.threadCpuUsage()
  for (let runs = 1; ; runs++) {
    await run()
    const cpuMs = cpuMsSince(before)
    if (cpuMs >= sampleMs) return cpuMs / runs
  }
}

const leastCpuMsOf = async (
  run: () => void | Promise<void>,
  { samples, sampleMs }: Effort,
): Promise<number> => {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < samples; i++) least = Math.min(least, await sampledCpuMs(run, sampleMs))
  return least
}

const leastPeakOf = async (run: () => void, forget = (): void => {}): Promise<number> => {
  let peak = Number.POSITIVE_INFINITY
  // What is compiled meanwhile counts as well: the least is what the body took.
  for (let round = 0; round < ROUNDS && peak > FREE_BYTES; round++) {
    forget()
    peak = Math.min(peak, await peakBytes(run))
  }
  return peak
}

const costOf = async (task: DecodeTask, effort: Effort): Promise<Cost> => {
  const run = () => void decode(task)
  const code = decode(task)
  const peak = await leastPeakOf(run)
  return { code, peakBytes: peak, cpuMs: await leastCpuMsOf(run, effort), answerBytes: 0 }
}

const costOfAnswer = async (task: AnswerTask, effort: Effort): Promise<Cost> => {
  const { ask, forget } = answerRun(task)
  const { code, answerBytes } = ask()
  const peak = await leastPeakOf(() => void ask(), forget)
  const cpuMs = await leastCpuMsOf(() => void ask(), effort)
  return { code, peakBytes: peak, cpuMs, answerBytes }
}

/** Most resident memory since `clear_refs` was told 5 (Linux, proc(5)). */
const residentPeakBytes = (): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]) * 1024

const runCost = async ({ run }: RunTask): Promise<Cost> => {
  const session = createSession(identity('BYTES', ['N', 'M']))
  session.run([{ datatype: 'BYTES', shape: [1, 1], data: [''] }])
  decode({ ...run, body: new Uint8Array(0) })
  await collect()
  writeFileSync('/proc/self/clear_refs', '5')
  const before = residentPeakBytes()
  const cpuBefore = process.threadCpuUsage()
  const decoded = decodedOf(run)
  const code = decode(run, decoded)
  if (decoded.tensors !== null) session.run(decoded.tensors)
  const cpuMs = cpuMsSince(cpuBefore)
  return { code, peakBytes: residentPeakBytes() - before, cpuMs, answerBytes: 0 }
}

const send = async ({ port, bytes }: SendTask, effort: Effort): Promise<Cost> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const piece = new Uint8Array(PIECE_BYTES)
  const cpuMs = await leastCpuMsOf(async () => {
    for (let sent = 0; sent < bytes; sent += piece.length) {
      if (!socket.write(piece)) await once(socket, 'drain')
    }
  }, effort)
  socket.destroy()
  return { code: '', peakBytes: 0, cpuMs, answerBytes: 0 }
}

const costOfAny = ({ task, effort }: Job): Promise<Cost> => {
  if ('port' in task) return send(task, effort)
  if ('run' in task) return runCost(task)
  return 'width' in task ? costOfAnswer(task, effort) : costOf(task, effort)
}

process.on('message', async (job: Job) => {
  process.send!(await costOfAny(job))
})
