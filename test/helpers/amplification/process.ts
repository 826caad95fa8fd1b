/**
 * A process that decodes bodies one after the other, as a data thread does, and tells what each
 * took. It is started with `--expose-gc`, and with a young generation so small that what is garbage
 * soon hardly counts.
 */

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { GCProfiler } from 'node:v8'
import { createSession } from '../../../src/runtime/session.ts'
import { withPlainBody } from '../../../src/server/content-encoding.ts'
import * as featuresJson from '../../../src/server/protocols/features-json.ts'
import * as oipJson from '../../../src/server/protocols/oip-json.ts'
import type { Decoded } from '../../../src/server/protocols/protocol.ts'
import * as tfsJson from '../../../src/server/protocols/tfs-json.ts'
import { identity } from '../models.ts'
import { emptyDecoded } from '../variant-plans.ts'
import { PLANS, type PlanName } from './plans.ts'

export interface DecodeTask {
  readonly format: 'features' | 'oip' | 'tfs' | 'wasteful'
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
  readonly cpuMs: number
}

/** What any request may take, whatever its bytes. */
const FREE_BYTES = 256 * 1024

const ROUNDS = 3
const PIECE_BYTES = 64 * 1024

const FORMATS = { features: featuresJson, oip: oipJson, tfs: tfsJson } as const
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

const cpuMsOf = async (run: () => void | Promise<void>): Promise<number> => {
  const started = process.threadCpuUsage()
  await run()
  const { user, system } = process.threadCpuUsage(started)
  return (user + system) / 1000
}

const costOf = async (task: DecodeTask): Promise<Cost> => {
  const code = decode(task)
  let peak = Number.POSITIVE_INFINITY
  // What is compiled meanwhile counts as well: the least is what the body took.
  for (let round = 0; round < ROUNDS && peak > FREE_BYTES; round++) {
    peak = Math.min(peak, await peakBytes(() => void decode(task)))
  }
  return { code, peakBytes: peak, cpuMs: await cpuMsOf(() => void decode(task)) }
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
  let code = ''
  const cpuMs = await cpuMsOf(() => {
    const decoded = decodedOf(run)
    code = decode(run, decoded)
    if (decoded.tensors !== null) session.run(decoded.tensors)
  })
  return { code, peakBytes: residentPeakBytes() - before, cpuMs }
}

const send = async ({ port, bytes }: SendTask): Promise<Cost> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const piece = new Uint8Array(PIECE_BYTES)
  const cpuMs = await cpuMsOf(async () => {
    for (let sent = 0; sent < bytes; sent += piece.length) {
      if (!socket.write(piece)) await once(socket, 'drain')
    }
  })
  socket.destroy()
  return { code: '', peakBytes: 0, cpuMs }
}

process.on('message', async (task: DecodeTask | RunTask | SendTask) => {
  if ('run' in task) process.send!(await runCost(task))
  else process.send!(await ('port' in task ? send(task) : costOf(task)))
})
