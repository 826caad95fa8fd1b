/** A gateway that writes its predictions down, and clients that remember what they were told. */

import { join } from 'node:path'
import { expect } from 'vitest'
import { openStateDir } from '../../../src/control/state/state-dir.ts'
import { startClosedLoop } from '../closed-loop.ts'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../example.ts'
import { type GatewayOptions, startGateway, type TestGateway } from '../gateway.ts'
import { commandLineOf, isAlive, processesNaming, signal } from '../reaper.ts'
import { makeTempDir } from '../temp-dir.ts'
import { until } from '../until.ts'

export const BODY = JSON.stringify({ features: FLIGHT })

const CLIENTS = 4

/** Settings by the end of their variable: `SPOOL__BYTES_MAX`. */
export type RecordsEnv = Readonly<Record<string, string>>

export interface RecordedOptions extends Omit<GatewayOptions, 'hasRecords'> {
  readonly records?: RecordsEnv
  /** Of an earlier gateway; left out: a new folder. */
  readonly path?: string
}

const envOf = (records: RecordsEnv): Record<string, string> =>
  Object.fromEntries(
    Object.entries(records).map(([name, value]) => [`SLUICE_RECORDS__${name}`, value]),
  )

/** Load of which every answer is remembered. */
export interface RememberingLoad {
  /** Resolves when so many more answers have come. */
  answered(more: number): Promise<void>
  /** Ends it; what came that was no 200, and connections that broke. */
  stop(): Promise<{ refused: number[]; broken: number }>
}

export class RecordedGateway {
  gateway: TestGateway
  readonly path: string
  readonly stateDir: string
  /** Prediction ids of all answers that clients have seen. */
  readonly ids: string[] = []
  readonly #options: RecordedOptions

  constructor(gateway: TestGateway, path: string, options: RecordedOptions) {
    this.gateway = gateway
    this.path = path
    this.stateDir = gateway.stateDir
    this.#options = options
  }

  /** Clients that ask for predictions, one request at a time each. */
  load(clients = CLIENTS, body = BODY): RememberingLoad {
    const refused: number[] = []
    const target = { port: this.gateway.httpPort, path: '/predict', body }
    const loop = startClosedLoop(target, clients, ({ status, predictionId }) => {
      if (status === 200) this.ids.push(predictionId)
      else refused.push(status)
    })
    return {
      answered: (more) => loop.answered(more),
      stop: async () => ({ refused, broken: (await loop.stop()).broken }),
    }
  }

  /** Asks so often, and wants 200 each time. */
  async ask(times: number, body: unknown = BODY): Promise<void> {
    for (let i = 0; i < times; i++) {
      const response = await this.gateway.post('/predict', body)
      await response.arrayBuffer()
      expect(response.status).toBe(200)
      this.ids.push(response.headers.get('x-sluice-prediction-id') ?? '')
    }
  }

  /** The process that ships; 0: there is none now. */
  shipperPid(): number {
    const pids = processesNaming(this.stateDir)
    return pids.find((pid) => commandLineOf(pid).includes('records/shipper.ts')) ?? 0
  }

  /** Kills the shipper, and resolves when another one is there. */
  async killShipper(): Promise<void> {
    const pid = await until(() => this.shipperPid(), { what: 'a shipper' })
    signal(pid, 'SIGKILL')
    await until(() => !isAlive(pid) && this.shipperPid() !== 0, { what: 'another shipper' })
  }

  /** Kills a replica, and resolves when there is another in its place and everything serves. */
  async killReplica(index: number): Promise<void> {
    const pid = await this.gateway.killReplica(index)
    await until(
      async () => ![pid, undefined].includes((await this.gateway.replicaPids()).get(index)),
      { what: `a successor of replica ${index}`, timeoutMs: 30_000 },
    )
    await this.gateway.untilSettled()
  }

  /** Kills control; another one takes its place. */
  async replaceControl(): Promise<void> {
    await this.gateway.killControl()
    await this.restart()
  }

  /** Starts a gateway on the folders of the one that was. */
  async restart(more: Partial<RecordedOptions> = {}): Promise<void> {
    const { httpPort, grpcPort } = this.gateway
    const { path, stateDir } = this
    const options = { ...this.#options, ...more, path, stateDir, httpPort, grpcPort }
    this.gateway = (await startRecorded(options)).gateway
  }

  /** Ends it in order: everything that can be is shipped then. */
  async stop(): Promise<void> {
    expect(await this.gateway.stop()).toEqual({ code: 0, signal: null })
    expect(processesNaming(this.stateDir)).toEqual([])
  }
}

/** A state folder that no gateway has used yet, with the empty folder of its spool. */
export const freshState = async (): Promise<{ stateDir: string; spool: string }> => {
  const stateDir = join(makeTempDir('gw'), 'state')
  const state = await openStateDir(stateDir)
  state.close()
  return { stateDir, spool: join(stateDir, 'spool') }
}

/** Records are in Parquet files a second later, unless told otherwise. */
export const startRecorded = async (options: RecordedOptions = {}): Promise<RecordedGateway> => {
  const path = options.path ?? join(makeTempDir('rec'), 'records')
  const records = { PATH: path, FILE__FLUSH_SECONDS: '1', ...options.records }
  const gateway = await startGateway({
    ...(options.config === undefined ? { repository: EXAMPLE_REPOSITORY } : {}),
    ...options,
    hasRecords: true,
    env: { ...options.env, ...envOf(records) },
  })
  return new RecordedGateway(gateway, path, options)
}
