/** One real replica process, and a control in the test that it speaks with. */

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { type EnvelopeBody, envelopeCodec } from '../../proto/control-envelope.ts'
import {
  CommitSchema,
  DrainedSchema,
  DrainSchema,
  PrepareSchema,
  type Statistics,
  StatisticsRequestSchema,
  WelcomeSchema,
} from '../../proto/gen/control_pb.ts'
import {
  decodeFailures,
  type EpochPlan,
  encodeJson,
  type PlannedVersion,
  type PrepareFailure,
  type ReplicaSettings,
} from '../../src/shared/epoch-plan.ts'
import { Link } from '../../src/shared/link.ts'
import { entryPath } from '../../src/shared/threads.ts'
import { plannedVersion } from './epoch-plans.ts'
import type { GatewayExit } from './gateway.ts'
import { findFreePort } from './ports.ts'
import { reapAtEnd } from './reaper.ts'
import { replicaSettings } from './replica-settings.ts'
import { makeTempDir } from './temp-dir.ts'
import { until } from './until.ts'

/** Longest wait for an answer: only a bug takes so long. */
const ANSWER_MS_MAX = 20_000

type Body<C extends EnvelopeBody['case']> = Extract<EnvelopeBody, { case: C }>

export class ReplicaProcess {
  readonly settings: ReplicaSettings
  readonly pid: number
  /** How the process ended. */
  readonly ended: Promise<GatewayExit>
  /** Messages of the replica that are no answers, Hello included. */
  readonly heard: EnvelopeBody[] = []
  /** Figures that it handed over before it ended. */
  readonly finals: Statistics[] = []
  /** Why it is told to end when it says Hello. */
  refusal = ''
  readonly #server: Server
  #link: Link<EnvelopeBody> | null = null
  readonly #logFile: string

  constructor(settings: ReplicaSettings, child: ChildProcess, server: Server, logFile: string) {
    this.settings = settings
    this.pid = child.pid ?? 0
    this.#server = server
    this.#logFile = logFile
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }))
    })
    server.on('connection', (socket) => {
      const onMessage = (body: EnvelopeBody, answer: (body: EnvelopeBody) => void) =>
        this.#onMessage(body, answer)
      const onClose = () => {
        this.#link = null
      }
      this.#link = new Link(socket, envelopeCodec, { onMessage, onClose })
    })
  }

  #onMessage(body: EnvelopeBody, answer: (body: EnvelopeBody) => void): void {
    this.heard.push(body)
    if (body.case === 'hello') {
      const value = create(WelcomeSchema, { refused: this.refusal })
      this.#link?.tell({ case: 'welcome', value })
    }
    if (body.case !== 'drained') return
    if (body.value.final !== undefined) this.finals.push(body.value.final)
    answer({ case: 'drained', value: create(DrainedSchema) })
  }

  /** `event: detail` of every report. */
  get reports(): string[] {
    return this.heard.flatMap((body) =>
      body.case === 'report' ? [`${body.value.event}: ${body.value.detail}`] : [],
    )
  }

  get hellos(): Body<'hello'>['value'][] {
    return this.heard.flatMap((body) => (body.case === 'hello' ? [body.value] : []))
  }

  log(): string {
    return readFileSync(this.#logFile, 'utf8')
  }

  async untilConnected(): Promise<void> {
    await until(() => this.#link !== null && this.hellos.length > 0, { what: 'a Hello' })
  }

  async #call<C extends EnvelopeBody['case']>(body: EnvelopeBody, wanted: C): Promise<Body<C>> {
    if (this.#link === null) throw new Error('The replica is not connected')
    const answer = await this.#link.call(body, ANSWER_MS_MAX)
    if (answer.case !== wanted) throw new Error(`Answer ${answer.case}, wanted ${wanted}`)
    return answer as Body<C>
  }

  async prepare(plan: EpochPlan): Promise<{ epoch: number; failures: PrepareFailure[] }> {
    const value = create(PrepareSchema, { epoch: BigInt(plan.epoch), plan: encodeJson(plan) })
    const answer = await this.#call({ case: 'prepare', value }, 'prepared')
    const { epoch, failures } = answer.value
    return { epoch: Number(epoch), failures: decodeFailures(failures) }
  }

  /** The epoch that the answer names. */
  async commit(epoch: number): Promise<number> {
    const value = create(CommitSchema, { epoch: BigInt(epoch) })
    const answer = await this.#call({ case: 'commit', value }, 'committed')
    return Number(answer.value.epoch)
  }

  async serve(plan: EpochPlan): Promise<void> {
    const { failures } = await this.prepare(plan)
    const committed = failures.length === 0 ? await this.commit(plan.epoch) : 0
    if (committed !== plan.epoch) throw new Error(`Not served: ${JSON.stringify(failures)}`)
  }

  async statistics(): Promise<Statistics> {
    const value = create(StatisticsRequestSchema)
    return (await this.#call({ case: 'statisticsRequest', value }, 'statistics')).value
  }

  drain(deadlineMs: number): void {
    this.#link?.tell({ case: 'drain', value: create(DrainSchema, { deadlineMs }) })
  }

  /** The link closes; the replica dials again. */
  hangUp(): void {
    this.#link?.close()
  }

  /** Control goes away, and nobody listens on its socket any more. */
  loseControl(): void {
    this.#server.close()
    this.#link?.close()
  }
}

/** Starts a replica of 2 threads, unless told otherwise, and awaits its Hello. */
export const startReplica = async (
  given: Partial<ReplicaSettings> & { readonly refusal?: string } = {},
): Promise<ReplicaProcess> => {
  const { refusal = '', ...chosen } = given
  const stateDir = makeTempDir('replica')
  const httpPort = await findFreePort()
  const places = { socketPath: join(stateDir, 'control.sock'), httpPort }
  const settings = replicaSettings({ ...places, ...chosen })
  const logFile = join(stateDir, 'log')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(settings.socketPath, resolve))
  server.unref()
  reapAtEnd(stateDir)
  const log = openSync(logFile, 'a')
  const started = spawn(
    process.execPath,
    [entryPath('server/replica.ts'), JSON.stringify(settings)],
    { stdio: ['ignore', log, log] },
  )
  closeSync(log)
  const replica = new ReplicaProcess(settings, started, server, logFile)
  replica.refusal = refusal
  await replica.untilConnected()
  return replica
}

/** A version of these bytes, as a proving run would have left them. */
export const provenVersion = (
  model: string,
  version: number,
  bytes: Uint8Array,
  more: Partial<PlannedVersion> = {},
): PlannedVersion => {
  const provenFile = join(makeTempDir('proven'), `${model}-${version}.onnx`)
  writeFileSync(provenFile, bytes)
  const provenSha256 = createHash('sha256').update(bytes).digest('hex')
  return plannedVersion({ model, version, provenFile, provenSha256, ...more })
}
