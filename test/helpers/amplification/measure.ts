/** What hostile bodies cost a server, beside what they cost the client that sends them. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { atEnd } from '../clean-up.ts'
import { type Hostile, hostiles, textsToRun } from './bodies.ts'
import type { Cost, DecodeTask, RunTask, SendTask } from './process.ts'

/** What any request may take, whatever its bytes, and how many times these beside. */
export const FREE_BYTES = 256 * 1024
export const TIMES_MAX = 100

/** What code, stacks and the allocator take beside: resident memory comes in large pieces. */
const RUN_FREE_BYTES = 16 * 2 ** 20

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
}

const PROGRAM = fileURLToPath(new URL('process.ts', import.meta.url))

const startProcess = (): ChildProcess => {
  const execArgv = ['--expose-gc', '--max-semi-space-size=1']
  const child = fork(PROGRAM, { serialization: 'advanced', execArgv })
  atEnd(() => void child.kill('SIGKILL'))
  return child
}

const ask = async (child: ChildProcess, task: DecodeTask | RunTask | SendTask): Promise<Cost> => {
  child.send(task)
  const [cost] = await once(child, 'message')
  return cost
}

const measure = async (child: ChildProcess, { title, task }: Hostile): Promise<Measured> => {
  const { code, peakBytes, cpuMs } = await ask(child, task)
  const bytes = task.body.length
  const memoryTimes = Math.max(0, peakBytes - FREE_BYTES) / bytes
  return { title, code, bytes, peakBytes, memoryTimes, cpuNsPerByte: (cpuMs * 1e6) / bytes }
}

/** All kinds in all sizes, in bytes before they are compressed. */
export const measureAll = async (
  sizes: readonly number[],
  encoding: '' | 'gzip',
): Promise<Measured[]> => {
  const child = startProcess()
  const measured: Measured[] = []
  for (const size of sizes) {
    for (const hostile of hostiles(size, encoding)) measured.push(await measure(child, hostile))
  }
  return measured
}

/** Bodies of texts through a session, in a process of their own each, by its resident memory. */
export const measureRuns = async (encoding: '' | 'gzip'): Promise<Measured[]> => {
  const measured: Measured[] = []
  for (const { title, task } of textsToRun(encoding)) {
    const { code, peakBytes, cpuMs } = await ask(startProcess(), { run: task })
    const bytes = task.body.length
    const memoryTimes = Math.max(0, peakBytes - RUN_FREE_BYTES) / bytes
    measured.push({
      title,
      code,
      bytes,
      peakBytes,
      memoryTimes,
      cpuNsPerByte: (cpuMs * 1e6) / bytes,
    })
  }
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
  const { cpuMs } = await ask(startProcess(), { port, bytes: SENT_BYTES })
  return (cpuMs * 1e6) / SENT_BYTES
}

/** The worst as a table: by memory, and by CPU where bodies are long enough to tell. */
export const tableOf = (measured: readonly Measured[], clientNsPerByte: number): string => {
  const line = ({ title, code, bytes, peakBytes, memoryTimes, cpuNsPerByte }: Measured): string =>
    [
      title.padEnd(36),
      String(bytes).padStart(8),
      `${(peakBytes / 2 ** 20).toFixed(2)} MiB`.padStart(11),
      `${memoryTimes.toFixed(1)} x`.padStart(8),
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
