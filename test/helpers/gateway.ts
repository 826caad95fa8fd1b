/** A whole gateway for tests: `node src/main.ts serve` with a state folder and ports of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type {
  ModelsDocument,
  StatusDocument,
  VersionStatus,
} from '../../src/control/api/status-document.ts'
import { findFreePort } from './ports.ts'
import { turns } from './raw-client.ts'
import { isAlive, reapAtEnd, signal } from './reaper.ts'
import { makeTempDir } from './temp-dir.ts'
import { until } from './until.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface GatewayOptions {
  /** Model repository to serve. */
  readonly repository?: string
  /** A `sluice.yaml`; its relative paths hold. */
  readonly config?: string
  readonly replicas?: number
  readonly threads?: number
  /** More flags of `sluice serve`. */
  readonly flags?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Predictions are written down, beside the state folder. Default false. */
  readonly hasRecords?: boolean
  /** The state folder of an earlier gateway, to start a new control beside its replicas. */
  readonly stateDir?: string
  readonly httpPort?: number
  /** null: no gRPC. Of a gateway on the state folder of another, the port of that one. */
  readonly grpcPort?: number | null
  /** Of the data plane, as its config says. */
  readonly scheme?: 'http' | 'https'
  readonly controlPort?: number
  /** Takes stdout and stderr of control, instead of the test. */
  readonly outputFile?: string
  /** False: return as soon as the process runs. Default true. */
  readonly isReadyAwaited?: boolean
  readonly readyTimeoutMs?: number
}

export interface GatewayExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface GatewayPorts {
  readonly httpPort: number
  readonly grpcPort: number | null
  readonly controlPort: number
}

/** A running gateway. Everything it started is killed at the end of the test. */
export class TestGateway {
  readonly stateDir: string
  readonly httpPort: number
  readonly controlPort: number
  /** `http://127.0.0.1:<port>` of the data plane, without a trailing slash. */
  readonly httpUrl: string
  readonly controlUrl: string
  /** Resolves when the control process has ended. */
  readonly ended: Promise<GatewayExit>
  readonly #grpcPort: number | null
  readonly #control: ChildProcess
  readonly #exited: Promise<void>
  readonly #chunks: Buffer[] = []
  readonly #errors: Buffer[] = []

  constructor(
    control: ChildProcess,
    stateDir: string,
    { httpPort, grpcPort, controlPort }: GatewayPorts,
    scheme = 'http',
  ) {
    this.#control = control
    this.stateDir = stateDir
    this.httpPort = httpPort
    this.#grpcPort = grpcPort
    this.controlPort = controlPort
    this.httpUrl = `${scheme}://127.0.0.1:${httpPort}`
    this.controlUrl = `http://127.0.0.1:${controlPort}`
    control.stdout?.on('data', (chunk: Buffer) => this.#chunks.push(chunk))
    control.stderr?.on('data', (chunk: Buffer) => this.#errors.push(chunk))
    this.#exited = new Promise((resolve) => {
      control.once('exit', () => resolve())
    })
    this.ended = new Promise((resolve) => {
      control.once('close', (code, signal) => resolve({ code, signal }))
    })
  }

  /** Throws where no gRPC is served. */
  get grpcPort(): number {
    if (this.#grpcPort === null) throw new Error('The gateway serves no gRPC')
    return this.#grpcPort
  }

  get controlPid(): number {
    return this.#control.pid ?? 0
  }

  /** What control has written to stdout so far. */
  get stdout(): string {
    return Buffer.concat(this.#chunks).toString()
  }

  get stderr(): string {
    return Buffer.concat(this.#errors).toString()
  }

  /** Everything that control and the replicas have said, for the message of a failure. */
  logs(): string {
    const folder = join(this.stateDir, 'logs')
    const names = (() => {
      try {
        return readdirSync(folder)
      } catch {
        return [] // it ended before it made the folder
      }
    })()
    const replicas = names.map((name) => `--- ${name}\n${readFileSync(join(folder, name), 'utf8')}`)
    return [`--- stdout\n${this.stdout}`, `--- stderr\n${this.stderr}`, ...replicas].join('\n')
  }

  async status(): Promise<StatusDocument> {
    return (await this.#getJson('/api/v1/status')) as StatusDocument
  }

  async models(): Promise<ModelsDocument> {
    return (await this.#getJson('/api/v1/models')) as ModelsDocument
  }

  /** A version as control sees it: that of the number, or the first that is listed. */
  async version(model: string, number?: number): Promise<VersionStatus | undefined> {
    const { models } = await this.models()
    const { versions = [] } = models.find(({ name }) => name === model) ?? {}
    return versions.find(({ version }) => number === undefined || version === number)
  }

  /** The Prometheus text of `/metrics`. */
  async metrics(): Promise<string> {
    const response = await fetch(`${this.controlUrl}/metrics`)
    return response.text()
  }

  async #getJson(path: string): Promise<unknown> {
    const response = await fetch(`${this.controlUrl}${path}`)
    return response.json()
  }

  /** Whether control and the data plane both call themselves ready. */
  async isReady(): Promise<boolean> {
    const status = await this.status()
    if (!status.ready) return false
    const response = await fetch(`${this.httpUrl}/readyz`)
    await response.arrayBuffer()
    return response.status === 200
  }

  /** It is ready as soon as one replica serves; settled when all do and nothing is being loaded. */
  async isSettled(): Promise<boolean> {
    const { replicas } = await this.status()
    const { models } = await this.models()
    const states = models.flatMap(({ versions }) => versions.map(({ state }) => state))
    const areServing = replicas.every(({ state }) => state === 'serving')
    return areServing && !states.includes('loading') && this.isReady()
  }

  /** Resolves when it is settled; rejects, with all logs, when it ends before or takes too long. */
  async untilSettled(timeoutMs = 20_000): Promise<void> {
    try {
      await until(() => this.#control.exitCode !== null || this.isSettled(), {
        what: 'the gateway to be ready',
        timeoutMs,
        everyMs: 20,
      })
    } catch (error) {
      throw new Error(`The gateway is not ready\n${this.logs()}`, { cause: error })
    }
    if (this.#control.exitCode === null) return
    throw new Error(`The gateway ended with ${this.#control.exitCode}\n${this.logs()}`)
  }

  /** POSTs JSON to the data plane. A string or bytes are sent as they are. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array
    return fetch(`${this.httpUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: isRaw ? (body as string) : JSON.stringify(body),
    })
  }

  /** Process ids of the replicas that serve, by their index. */
  async replicaPids(): Promise<Map<number, number>> {
    const { replicas } = await this.status()
    return new Map(
      replicas.filter(({ state }) => state === 'serving').map(({ index, pid }) => [index, pid]),
    )
  }

  /** Kills one replica and resolves with its pid when it has gone. */
  async killReplica(index: number, name: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    const pid = (await this.replicaPids()).get(index)
    if (pid === undefined) throw new Error(`Replica ${index} does not serve\n${this.logs()}`)
    await this.#kill(pid, name)
    return pid
  }

  /** Kills control alone: its replicas serve on. Its shipper may hang and hold its output open. */
  async killControl(name: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#kill(this.controlPid, name)
    await this.#exited
  }

  async #kill(pid: number, name: NodeJS.Signals): Promise<void> {
    signal(pid, name)
    await until(() => !isAlive(pid), { what: `process ${pid} to end after ${name}` })
    // What its sockets said at last is read: `fetch` keeps no connection to the dead.
    await turns()
  }

  /** Asks for a scan of the repository and a new epoch. */
  reload(): void {
    signal(this.controlPid, 'SIGHUP')
  }

  /** SIGTERM, and how control ended. */
  stop(): Promise<GatewayExit> {
    signal(this.controlPid, 'SIGTERM')
    return this.ended
  }
}

const flagsOf = (options: GatewayOptions): string[] => {
  const { repository, config, replicas = 2, threads = 2, flags = [] } = options
  return [
    ...(config === undefined ? [] : ['--config', config]),
    ...(repository === undefined ? [] : ['--model-repository', repository]),
    ...['--replicas', String(replicas), '--threads', String(threads)],
    ...flags,
  ]
}

const portsOf = async (options: GatewayOptions): Promise<GatewayPorts> => ({
  httpPort: options.httpPort ?? (await findFreePort()),
  grpcPort: options.grpcPort === undefined ? await findFreePort() : options.grpcPort,
  controlPort: options.controlPort ?? (await findFreePort()),
})

const recordsEnv = (hasRecords: boolean, stateDir: string): Record<string, string> =>
  hasRecords
    ? { SLUICE_RECORDS__PATH: join(dirname(stateDir), 'records') }
    : { SLUICE_RECORDS__ENABLED: 'false' }

/** Starts a gateway of 2 replicas x 2 data threads, unless told otherwise, and lets it settle. */
export const startGateway = async (options: GatewayOptions): Promise<TestGateway> => {
  const stateDir = options.stateDir ?? join(makeTempDir('gw'), 'state')
  const ports = await portsOf(options)
  reapAtEnd(stateDir)
  const { outputFile, hasRecords = false } = options
  const output = outputFile === undefined ? 'pipe' : openSync(outputFile, 'w')
  const places = ['--state-dir', stateDir, '--host', '127.0.0.1']
  const control = spawn(
    process.execPath,
    [
      join(ROOT, 'src/main.ts'),
      'serve',
      ...places,
      ...['--http-port', String(ports.httpPort), '--grpc-port', String(ports.grpcPort)],
      ...['--control-port', String(ports.controlPort)],
      ...flagsOf(options),
    ],
    {
      env: { ...process.env, NO_COLOR: '1', ...recordsEnv(hasRecords, stateDir), ...options.env },
      stdio: ['ignore', output, output],
    },
  )
  if (typeof output === 'number') closeSync(output)
  const gateway = new TestGateway(control, stateDir, ports, options.scheme)
  if (options.isReadyAwaited !== false) await gateway.untilSettled(options.readyTimeoutMs)
  return gateway
}
