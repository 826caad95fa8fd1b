/** What hostile requests cost a server, beside what they cost the client that sends them. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { plainBytesMax } from '../../../src/server/content-encoding.ts'
import { atEnd } from '../clean-up.ts'
import type { LargeAnswer } from './answers.ts'
import { type Hostile, hostiles, textsToRun } from './bodies.ts'
import type { Cost, DecodeTask, Effort, Job } from './process.ts'

/** What any request may take, whatever its bytes, and how many times these beside. */
export const FREE_BYTES = 256 * 1024
export const TIMES_MAX = 100

/** What code, stacks and the allocator take beside: resident memory comes in large pieces. */
const RUN_FREE_BYTES = 16 * 2 ** 20

/** CPU for each byte that is read, inflated ones of a compressed body, and for any body at all. */
const CPU_NS_MAX = 1000
const CPU_FREE_NS = 500_000

/**
 * Most CPU for a byte on the wire, some four times what was measured: judged in soaks only, on
 * machines of which nobody knows how fast they are (docs/decisions/0007-amplification.md).
 */
export const cpuNsPerByteMax = (sentBytes: number, encoding: '' | 'gzip'): number => {
  const readBytes = encoding === '' ? sentBytes : plainBytesMax(sentBytes)
  return (CPU_NS_MAX * readBytes + CPU_FREE_NS) / sentBytes
}

/**
 * Of an answer, whatever the request: bounded as such, not by the bytes that were sent. An answer
 * to several rows has at most 2^20 values of up to 15 characters, which are 6 bytes each at most.
 */
export const ANSWER_BYTES_MAX = 96 * 2 ** 20
export const ANSWER_PEAK_MAX = 384 * 2 ** 20
/** The same of an answer to one row, which is as large as the model makes it: 2^23 values. */
export const ROW_BYTES_MAX = 256 * 2 ** 20
export const ROW_PEAK_MAX = 1536 * 2 ** 20

const SENT_BYTES = 32 * 2 ** 20
const WORST = 12

export interface Measured {
  readonly title: string
  readonly code: string
  readonly bytes: number
  readonly peakBytes: number
  /** Beyond `FREE_BYTES`, for each byte that is sent. */
  readonly memoryTimes: number
  readonly cpuNsPerByte: number
  /** Of the body of the answer; 0 where only decoding was measured. */
  readonly answerBytes: number
}

const PROGRAM = fileURLToPath(new URL('process.ts', import.meta.url))

const startProcess = (): ChildProcess => {
  const execArgv = ['--expose-gc', '--max-semi-space-size=1']
  const child = fork(PROGRAM, { serialization: 'advanced', execArgv })
  atEnd(() => void child.kill('SIGKILL'))
  return child
}

/** Enough to print, and enough to judge by. */
const GLANCE: Effort = { samples: 1, sampleMs: 30 }
export const THOROUGH: Effort = { samples: 3, sampleMs: 100 }

const ask = async (child: ChildProcess, job: Job): Promise<Cost> => {
  child.send(job)
  const [cost] = await once(child, 'message')
  return cost
}

const measure = async (
  child: ChildProcess,
  { title, task }: Hostile | LargeAnswer,
  effort = GLANCE,
): Promise<Measured> => {
  const { cpuMs, ...cost } = await ask(child, { task, effort })
  const bytes = task.body.length
  const memoryTimes = Math.max(0, cost.peakBytes - FREE_BYTES) / bytes
  return { title, ...cost, bytes, memoryTimes, cpuNsPerByte: (cpuMs * 1e6) / bytes }
}

/** All kinds in all sizes, in bytes before they are compressed. */
export const measureAll = async (
  sizes: readonly number[],
  encoding: '' | 'gzip',
  effort = GLANCE,
): Promise<Measured[]> => {
  const child = startProcess()
  const measured: Measured[] = []
  for (const size of sizes) {
    for (const hostile of hostiles(size, encoding)) {
      measured.push(await measure(child, hostile, effort))
    }
  }
  return measured
}

/** Bodies of texts through a session, in a process of their own each, by its resident memory. */
export const measureRuns = async (encoding: '' | 'gzip'): Promise<Measured[]> => {
  const measured: Measured[] = []
  for (const { title, task } of textsToRun(encoding)) {
    const { cpuMs, ...cost } = await ask(startProcess(), { task: { run: task }, effort: GLANCE })
    const bytes = task.body.length
    const memoryTimes = Math.max(0, cost.peakBytes - RUN_FREE_BYTES) / bytes
    measured.push({ title, ...cost, bytes, memoryTimes, cpuNsPerByte: (cpuMs * 1e6) / bytes })
  }
  return measured
}

/** Whole requests. */
export const measureAnswers = async (answers: readonly LargeAnswer[]): Promise<Measured[]> => {
  const child = startProcess()
  const measured: Measured[] = []
  for (const answer of answers) measured.push(await measure(child, answer))
  return measured
}

/** A body that is decoded by what takes far too much. */
export const measureWasteful = (): Promise<Measured> => {
  const body = new Uint8Array(100_000)
  const task: DecodeTask = { format: 'wasteful', plan: 'fp32', body, encoding: '', jsonBytes: -1 }
  return measure(startProcess(), { title: 'a wasteful decoder', task })
}

/** CPU nanoseconds that a byte costs its client: written to the loopback in large pieces. */
export const measureClient = async (): Promise<number> => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(() => void server.close())
  const { port } = server.address() as AddressInfo
  const { cpuMs } = await ask(startProcess(), {
    task: { port, bytes: SENT_BYTES },
    effort: THOROUGH,
  })
  return (cpuMs * 1e6) / SENT_BYTES
}

const MIB = 2 ** 20
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(2)} MiB`
const times = (ratio: number): string => `${ratio.toFixed(ratio < 1000 ? 1 : 0)} x`

/** The worst as a table: by memory, and by CPU where bodies are long enough to tell. */
export const tableOf = (measured: readonly Measured[], clientNsPerByte: number): string => {
  const line = ({ title, code, bytes, peakBytes, memoryTimes, cpuNsPerByte }: Measured): string =>
    [
      title.padEnd(36),
      String(bytes).padStart(8),
      mib(peakBytes).padStart(11),
      times(memoryTimes).padStart(8),
      `${cpuNsPerByte.toFixed(1)} ns/B`.padStart(12),
      `${(cpuNsPerByte / clientNsPerByte).toFixed(0)} x`.padStart(7),
      ` ${code}`,
    ].join('')
  const byMemory = measured.toSorted((a, b) => b.memoryTimes - a.memoryTimes)
  const largest = Math.max(...measured.map(({ bytes }) => bytes))
  const byCpu = measured
    .filter(({ bytes }) => bytes > largest / 32)
    .toSorted((a, b) => b.cpuNsPerByte - a.cpuNsPerByte)
  return [
    `memory at most ${TIMES_MAX} times the bytes sent, beyond ${FREE_BYTES} bytes; CPU beside that`,
    `of a client that writes prepared bytes: ${clientNsPerByte.toFixed(2)} ns/B`,
    ...['body, bytes sent, memory, times, CPU, times, code', '--- most memory'],
    ...byMemory.slice(0, WORST).map(line),
    '--- most CPU',
    ...byCpu.slice(0, WORST).map(line),
  ].join('\n')
}

/** The same of whole requests: what their answers have, beside what was sent. */
export const answersTableOf = (measured: readonly Measured[]): string =>
  [
    `answers at most ${mib(ANSWER_BYTES_MAX)}, memory ${mib(ANSWER_PEAK_MAX)}, whatever was sent`,
    'request, bytes sent, answer, times, memory, times, CPU',
    ...measured.map(({ title, bytes, answerBytes, peakBytes, memoryTimes, cpuNsPerByte }) =>
      [
        title.padEnd(40),
        String(bytes).padStart(8),
        mib(answerBytes).padStart(11),
        times(answerBytes / bytes).padStart(10),
        mib(peakBytes).padStart(11),
        times(memoryTimes).padStart(10),
        `${((cpuNsPerByte * bytes) / 1e6).toFixed(0)} ms`.padStart(9),
      ].join(''),
    ),
  ].join('\n')
