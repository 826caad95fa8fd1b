/** Sluice as an operator starts it: control, replicas and all, with a state folder of its own. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ThreadTimes, threadsNamed } from '../measure/cpu.ts'
import {
  atExit,
  end,
  freePorts,
  moveTo,
  processesNaming,
  start,
  until,
} from '../measure/processes.ts'
import { only, type Server, threadsOf } from './server.ts'

export interface SluiceOptions {
  readonly repository: string
  readonly endpoint: string
  /** State of an earlier run, with its proving cache; null: a new folder. */
  readonly stateDir: string | null
  /** A `sluice.yaml` with more settings. */
  readonly config?: string
  /**
   * Its compute threads have the core of servers to themselves; all else runs where the load does.
   * False: all of it is on the core of servers.
   */
  readonly isSplit?: boolean
  readonly env?: Readonly<Record<string, string>>
  /** Nothing is bound to a core, and it has so many data threads. */
  readonly freeThreads?: number
  /** It writes every prediction down. Left out: none, as when earlier results were taken. */
  readonly durability?: 'memory' | 'process' | 'power'
}

export interface SluiceServer extends Server {
  readonly stateDir: string
  readonly grpcPort: number
  readonly controlPort: number
  /** From spawn to the first time that the data plane called itself ready. */
  readonly readyMs: number
  /** CPU times, at this moment, of the threads that run pooled models. */
  computeThreads(): ThreadTimes
  /** CPU times, at this moment, of the threads that write records to disk. */
  spoolThreads(): ThreadTimes
  /** The replica: the process that has data threads. */
  replicaPid(): number
  /** Has config and repository read again. */
  reload(): void
}

/** A large model is proved before. */
const READY_MS_MAX = 60_000

export const makeStateDir = (): string => mkdtempSync(join(tmpdir(), 'sb-'))

const lastLines = (text: string): string => text.split('\n').slice(-20).join('\n')

const logsOf = (stateDir: string): string => {
  try {
    const folder = join(stateDir, 'logs')
    return readdirSync(folder)
      .map((name) => `--- ${name}\n${lastLines(readFileSync(join(folder, name), 'utf8'))}`)
      .join('\n')
  } catch {
    return '' // it ended before it wrote any
  }
}

const killAll = (stateDir: string): void => {
  for (const pid of processesNaming(stateDir)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // it has gone
    }
  }
}

const isReady = async (port: number): Promise<boolean> => {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`)
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false // nobody listens yet
  }
}

const recordsEnv = (
  { durability }: SluiceOptions,
  stateDir: string,
): Readonly<Record<string, string>> => {
  if (durability === undefined) return { SLUICE_RECORDS__ENABLED: 'false' }
  return {
    SLUICE_RECORDS__ENABLED: 'true',
    SLUICE_RECORDS__DURABILITY: durability,
    SLUICE_RECORDS__PATH: join(stateDir, 'records'),
  }
}

/**
 * One replica with one data thread, unless told otherwise, ready. Repository paths are relative
 * to the checkout.
 */
export const startSluice = async (options: SluiceOptions): Promise<SluiceServer> => {
  const stateDir = options.stateDir ?? makeStateDir()
  const [port = 0, grpcPort = 0, controlPort = 0] = await freePorts(3)
  const ports = [
    ...['--http-port', `${port}`, '--grpc-port', `${grpcPort}`],
    ...['--control-port', `${controlPort}`],
  ]
  const size = ['--replicas', '1', '--threads', `${options.freeThreads ?? 1}`]
  const places = ['--model-repository', options.repository, '--state-dir', stateDir]
  const config = options.config === undefined ? [] : ['--config', options.config]
  const startMs = performance.now()
  const command = [
    process.execPath,
    'src/main.ts',
    'serve',
    ...config,
    ...places,
    ...size,
    ...ports,
  ]
  const ownCore = options.isSplit ? 'load' : 'server'
  const child = start(command, {
    core: options.freeThreads === undefined ? ownCore : 'any',
    env: { ...recordsEnv(options, stateDir), ...options.env },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  }
  const clear = () => {
    killAll(stateDir)
    if (options.stateDir === null) rmSync(stateDir, { recursive: true, force: true })
  }
  atExit(clear)
  try {
    await until('readiness', READY_MS_MAX, () => {
      if (child.exitCode !== null) throw new Error(`serve ended with ${child.exitCode}`)
      return isReady(port)
    })
  } catch (error) {
    throw new Error(`Sluice is not ready\n${lastLines(said)}\n${logsOf(stateDir)}`, {
      cause: error,
    })
  }
  const readyMs = performance.now() - startMs
  const pids = () => processesNaming(stateDir)
  const allThreads = () => threadsOf(pids())
  const named = (pattern: RegExp) => {
    const tids = pids().flatMap((pid) => threadsNamed(pid, pattern))
    return only(allThreads(), tids)
  }
  const computeThreads = () => named(/^compute-\d+$/)
  if (options.isSplit) {
    if (computeThreads().size === 0) throw new Error('No model of it is pooled')
    moveTo('server', computeThreads().keys())
  }
  return {
    name: 'sluice',
    port,
    path: `/predict/${options.endpoint}`,
    stateDir,
    grpcPort,
    controlPort,
    readyMs,
    dataThreads: () => named(/^data-\d+$/),
    computeThreads,
    spoolThreads: () => named(/^spool$/),
    allThreads,
    replicaPid: () => pids().find((pid) => threadsNamed(pid, /^data-\d+$/).length > 0) ?? 0,
    reload: () => void child.kill('SIGHUP'),
    stop: async () => {
      await end(child, 'SIGTERM')
      clear()
    },
  }
}
