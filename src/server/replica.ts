/**
 * Process root of a replica: one agent, N data threads. Started by control, detached; serves on
 * when control goes away and ends by itself when control stays away.
 */

import { connect } from 'node:net'
import { create } from '@bufbuild/protobuf'
import { CONTROL_PROTOCOL, type EnvelopeBody, envelopeCodec } from '../../proto/control-envelope.ts'
import {
  CommittedSchema,
  type DeadSums,
  DeadSumsSchema,
  DrainedSchema,
  HelloSchema,
  PreparedSchema,
} from '../../proto/gen/control_pb.ts'
import { every, systemClock } from '../shared/clock.ts'
import type { EpochPlan, ReplicaSettings } from '../shared/epoch-plan.ts'
import { Link } from '../shared/link.ts'
import { createLogger } from '../shared/logger.ts'
import { reviveManifest } from '../shared/manifest.ts'
import { ownIdentity } from '../shared/process-identity.ts'
import { settingsSha256 } from '../shared/replica-settings.ts'
import { Agent, type ExitCode } from './agent.ts'
import { announceHeaderLimit } from './uws-binary.ts'

const DIAL_AGAIN_MS = 200
const WATCH_MS = 500
const FRAME_BYTES_MAX = 256 * 1024 * 1024

const settings = JSON.parse(process.argv[2] ?? '{}') as ReplicaSettings
const logger = createLogger({ level: 'info', component: `replica-${settings.replica}` })
const encodeJson = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

let isEnding = false

const exit = (code: ExitCode, reason: string): void => {
  if (isEnding) return
  isEnding = true
  logger.info({ event: 'replica_exit', code, reason }, 'replica ends')
  // A thread that hangs in native code would hold up process.exit for ever.
  if (code === 1) process.kill(process.pid, 'SIGKILL')
  process.exit(code)
}

announceHeaderLimit(settings.limits.headerBytesMax)
const agent = new Agent({ settings, clock: systemClock, logger, exit })
let deadSums: DeadSums = create(DeadSumsSchema)
let controlLostMs: number | null = systemClock.monotonic()

const hello = (): EnvelopeBody => ({
  case: 'hello',
  value: create(HelloSchema, {
    protocol: CONTROL_PROTOCOL,
    replica: settings.replica,
    pid: process.pid,
    startTime: ownIdentity().startTime,
    incarnation: BigInt(settings.incarnation),
    epoch: BigInt(agent.plan?.epoch ?? 0),
    digests: agent.plan?.versions.map(({ digest }) => digest) ?? [],
    settingsSha256: settingsSha256(settings),
    dead: deadSums,
    httpPort: agent.httpPort,
    httpEngine: agent.httpEngine,
    plan: agent.plan === null ? new Uint8Array() : encodeJson(agent.plan),
  }),
})

const drainAndExit = async (deadlineMs: number, reason: string): Promise<void> => {
  await agent.drain(deadlineMs)
  exit(0, reason)
}

const onMessage = async (
  body: EnvelopeBody,
  answer: (body: EnvelopeBody) => void,
): Promise<void> => {
  switch (body.case) {
    case 'welcome':
      if (body.value.refused !== '') exit(1, `control refused: ${body.value.refused}`)
      return
    case 'prepare': {
      const text = new TextDecoder().decode(body.value.plan)
      const plan = JSON.parse(text, reviveManifest) as EpochPlan
      const failures = encodeJson(await agent.prepare(plan))
      const epoch = body.value.epoch
      answer({ case: 'prepared', value: create(PreparedSchema, { epoch, failures }) })
      return
    }
    case 'commit': {
      const { epoch } = body.value
      await agent.commit(Number(epoch))
      const { httpPort, httpEngine } = agent
      const value = create(CommittedSchema, { epoch, httpPort, httpEngine })
      answer({ case: 'committed', value })
      return
    }
    case 'statisticsRequest':
      return answer(agent.statistics())
    case 'deadSums':
      deadSums = body.value
      return
    case 'drain':
      await agent.drain(body.value.deadlineMs)
      answer({ case: 'drained', value: create(DrainedSchema) })
      exit(0, 'drained')
  }
}

const dial = (): void => {
  const socket = connect(settings.socketPath)
  let link: Link<EnvelopeBody> | null = null
  const onClosed = () => {
    if (link !== null) controlLostMs = systemClock.monotonic()
    systemClock.setTimer(DIAL_AGAIN_MS, dial)
  }
  socket.once('connect', () => {
    controlLostMs = null
    link = new Link(
      socket,
      envelopeCodec,
      { onMessage: (body, answer) => void onMessage(body, answer), onClose: onClosed },
      { frameBytesMax: FRAME_BYTES_MAX },
    )
    link.tell(hello())
  })
  socket.once('error', () => {
    if (link === null) onClosed()
  })
}

/** Without control the replica serves on for a while, then ends, so that none is orphaned. */
const watchControl = (): void => {
  const { controlAbsenceMsMax, drainMsMax } = settings
  if (controlLostMs === null || controlAbsenceMsMax === 0) return
  if (systemClock.monotonic() - controlLostMs < controlAbsenceMsMax) return
  controlLostMs = null
  void drainAndExit(drainMsMax, 'control stayed away')
}

every(systemClock, WATCH_MS, () => {
  agent.watch()
  watchControl()
})
process.on('SIGTERM', () => void drainAndExit(settings.drainMsMax, 'SIGTERM'))
// A terminal's Ctrl-C reaches the process group of control only; a stray one must not kill.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
process.on('unhandledRejection', (error) => {
  logger.error({ event: 'unhandled_rejection', error }, 'a promise was rejected')
  exit(1, 'unhandled rejection')
})
dial()
