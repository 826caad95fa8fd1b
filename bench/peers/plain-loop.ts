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
}

export interface LoopTrial {
  readonly rowsPerSecond: number
  /** CPU for a batch, microseconds. */
  readonly cpuUs: number
}

export const runPlainLoop = async ({ file, rows, width, seconds }: PlainLoop) => {
  const words = [file, rows, width, seconds].map(String)
  const child = start([process.execPath, ORT_LOOP, ...words], { core: 'server' })
  return (await firstJsonLine(child)) as unknown as LoopTrial
}
