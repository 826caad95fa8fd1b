/** ONNX Runtime in a plain loop (ort-loop.ts), run on the core of servers for a moment. */

import { fileURLToPath } from 'node:url'
import { firstJsonLine, start } from '../measure/processes.ts'

const ORT_LOOP = fileURLToPath(new URL('./ort-loop.ts', import.meta.url))

export interface PlainLoop {
  readonly file: string
  /** Of a batch. */
  readonly rows: number
  /** Numbers of a row. */
  readonly width: number
  readonly seconds: number
  /** It runs on GPU 0, and on whatever core the kernel puts it. */
  readonly isOnGpu?: boolean
}

export interface LoopTrial {
  readonly rowsPerSecond: number
  /** CPU for a batch, microseconds. */
  readonly cpuUs: number
}

/** Returns when its process has gone, and with it what it had of the GPU. */
export const runPlainLoop = async (loop: PlainLoop): Promise<LoopTrial> => {
  const { file, rows, width, seconds, isOnGpu = false } = loop
  const words = [file, rows, width, seconds, isOnGpu ? 'cuda' : 'cpu'].map(String)
  const core = isOnGpu ? 'any' : 'server'
  const child = start([process.execPath, ORT_LOOP, ...words], { core })
  const hasGone = new Promise((resolve) => child.once('close', resolve))
  const trial = (await firstJsonLine(child)) as unknown as LoopTrial
  await hasGone
  return trial
}
