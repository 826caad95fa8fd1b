/** Servers that do nothing but answer over gRPC (bench/peers/grpc.ts). */

import { fileURLToPath } from 'node:url'
import { end, firstJsonLine, start } from '../measure/processes.ts'
import { only, type Server, threadsOf } from './server.ts'

const PEER = fileURLToPath(new URL('../peers/grpc.ts', import.meta.url))

export interface GrpcPeer {
  readonly kind: 'grpc-js' | 'http2'
  /** Messages in base64, by the length of what is asked in bytes. */
  readonly answers: Readonly<Record<number, string>>
  readonly path: string
  readonly env: Readonly<Record<string, string>>
}

export const startGrpcPeer = async ({ kind, answers, path, env }: GrpcPeer): Promise<Server> => {
  const command = [process.execPath, PEER, kind, JSON.stringify(answers)]
  const child = start(command, { core: 'server', env })
  const { pid, tid, port } = (await firstJsonLine(child)) as Record<string, number>
  const allThreads = () => threadsOf([pid!])
  return {
    name: kind,
    port: port!,
    path,
    dataThreads: () => only(allThreads(), [tid!]),
    allThreads,
    stop: () => end(child, 'SIGTERM'),
  }
}
