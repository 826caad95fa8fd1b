/** The yardstick: a bare uWebSockets.js that answers with the body it got (bench/peers/echo.ts). */

import { fileURLToPath } from 'node:url'
import { end, firstJsonLine, start } from '../measure/processes.ts'
import { only, type Server, threadsOf } from './server.ts'

const PEER = fileURLToPath(new URL('../peers/echo.ts', import.meta.url))

export const startEcho = async (): Promise<Server> => {
  const child = start([process.execPath, PEER], { core: 'server' })
  const { pid, tid, port } = (await firstJsonLine(child)) as Record<string, number>
  const allThreads = () => threadsOf([pid!])
  return {
    name: 'echo',
    port: port!,
    path: '/',
    dataThreads: () => only(allThreads(), [tid!]),
    allThreads,
    stop: () => end(child, 'SIGTERM'),
  }
}
