/**
 * What a run costs by its rows, on the CPU and on GPU 0, and by how much their answers differ.
 * `node bench/gpu/curve.ts FILE WIDTH SECONDS` prints a Curve as one JSON line.
 */

import { readFileSync } from 'node:fs'
import { createSession } from '../../src/runtime/session.ts'
import type { Session } from '../../src/runtime/session-types.ts'
import { DEFAULT_SESSION } from '../../src/shared/session-settings.ts'
import { batchOf } from '../pooled/batch.ts'
import { ON_GPU } from './settings.ts'

export interface Curve {
  /** Microseconds of the median run: one core, all of them, the GPU. */
  readonly points: readonly {
    readonly rows: number
    readonly cpuUs: number
    readonly allCoresUs: number
    readonly gpuUs: number
  }[]
  /** Largest difference between two ways, over the largest answer. */
  readonly differences: {
    readonly cpuGpu: number
    /** Rows alone and in a batch, on the GPU. */
    readonly gpuBatches: number
  }
}

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const COMPARED_ROWS = 64
const WARM_UP_RUNS = 2
const RUNS_MIN = 3

const [file = '', ...words] = process.argv.slice(2)
const [width = 0, seconds = 0] = words.map(Number)
const bytes = readFileSync(file)

const run = (session: Session, data: Float32Array): Float32Array => {
  const shape = [data.length / width, width]
  return session.run([{ datatype: 'FP32', shape, data }])[0]!.data.slice() as Float32Array
}

const medianUs = (session: Session, rows: number): number => {
  const data = batchOf(rows, width)
  for (let i = 0; i < WARM_UP_RUNS; i++) run(session, data)
  const times: number[] = []
  const untilMs = performance.now() + seconds * 1000
  while (times.length < RUNS_MIN || performance.now() < untilMs) {
    const startMs = performance.now()
    run(session, data)
    times.push((performance.now() - startMs) * 1000)
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!
}

const curveOf = (session: Session): number[] => SIZES.map((rows) => medianUs(session, rows))

const difference = (a: Float32Array, b: Float32Array): number => {
  const scale = a.reduce((most, each) => Math.max(most, Math.abs(each)), 0)
  return a.reduce((most, each, i) => Math.max(most, Math.abs(each - b[i]!)), 0) / scale
}

const rowByRow = (session: Session, data: Float32Array): Float32Array => {
  const rows = Array.from({ length: data.length / width }, (_, i) =>
    run(session, data.slice(i * width, (i + 1) * width)),
  )
  return Float32Array.from(rows.flatMap((row) => [...row]))
}

const cpu = createSession(bytes)
const gpu = createSession(bytes, ON_GPU)
const batch = batchOf(COMPARED_ROWS, width)
const onGpu = run(gpu, batch)
const differences = {
  cpuGpu: difference(run(cpu, batch), onGpu),
  gpuBatches: difference(onGpu, rowByRow(gpu, batch)),
}
const [cpuUs, gpuUs] = [curveOf(cpu), curveOf(gpu)]
cpu.dispose()
gpu.dispose()
const allCoresUs = curveOf(createSession(bytes, { ...DEFAULT_SESSION, intraOpThreads: 0 }))
const points = SIZES.map((rows, i) => ({
  ...{ rows, cpuUs: cpuUs[i]!, allCoresUs: allCoresUs[i]!, gpuUs: gpuUs[i]! },
}))
console.log(JSON.stringify({ points, differences } satisfies Curve))
