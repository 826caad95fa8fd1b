/**
 * Process root of a replica: one agent, data threads, and compute threads once there is a pooled
 * version. Started by control, detached; serves on when control goes away and ends by itself when
 * control stays away.
 */

import { dirname, join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { CONTROL_PROTOCOL, type EnvelopeBody } from '../../proto/control-envelope.ts'
import {
  AccessTakenSchema,
  CommittedSchema,
  type DeadSums,
  DeadSumsSchema,
  DrainedSchema,
  HelloSchema,
  PreparedSchema,
  ReportSchema,
  UnloadSchema,
} from '../../proto/gen/control_pb.ts'
import { startSpoolThread as spawnSpoolThread } from '../records/spool/start-spool.ts'
import { decodeAccess } from '../shared/access-plan.ts'
import { every, systemClock } from '../shared/clock.ts'
import { writeCodeCache } from '../shared/code-cache.ts'
import { decodePlan, encodeJson, type ReplicaSettings } from '../shared/epoch-plan.ts'
import { createLogger, outliveOutput } from '../shared/logger.ts'
import { ownIdentity } from '../shared/process-identity.ts'
import { completeSettings, settingsSha256 } from '../shared/replica-settings.ts'
import { marksFileName, openMarks } from '../shared/run-marks.ts'
import { spawnThread } from '../shared/threads.ts'
import { Agent } from './agent.ts'
import { forwardBy } from './agent-calls.ts'
import type { AgentEvent, ExitCode } from './agent-surroundings.ts'
import type { StartComputeThread } from './compute-threads.ts'
import { ControlDialer } from './control-dialer.ts'
import type { StartThread } from './data-threads.ts'
import type { UnloadedVersion } from './holdings.ts'
import type { StartSpoolThread } from './spool-keeper.ts'
import { announceHeaderLimit } from './uws-binary.ts'

const WATCH_MS = 500
const TRACES_MS = 200
/** How long control may take to add up the last figures. */
const FINAL_MS_MAX = 1000
/** Of an end without order: what is in the rings goes to disk, or does not; its place is empty. */
const CUT_MS_MAX = 100

const given = JSON.parse(process.argv[2] ?? '{}') as ReplicaSettings
const settings = completeSettings(given)
const { replica, logLevel } = settings
const logger = createLogger({ level: logLevel, component: `replica-${replica}` })

let isExiting = false

const exit = (code: ExitCode, reason: string): void => {
  if (isExiting) return
  isExiting = true
  logger.info({ event: 'replica_exit', code, reason }, 'replica ends')
  if (settings.records === null) endProcess(code)
  else void agent.finishRecords(CUT_MS_MAX).finally(() => endProcess(code))
}

/**
 * `process.exit` waits for every thread, and one that hangs in native code, or in the disk, would
 * hold it up for ever; one that has sockets open would abort the process.
 */
const endProcess = (code: ExitCode): void => {
  if (code === 1 || agent.mustBeKilled) process.kill(process.pid, 'SIGKILL')
  else process.exit(code)
}

const startThread: StartThread = (start, { onMessage, onError, onEnded }) => {
  const worker = spawnThread('server/data-thread.ts', `data-${start.thread}`, start)
  worker.on('message', onMessage)
  worker.on('error', onError)
  worker.on('exit', onEnded)
  return (message, transfer = []) => worker.postMessage(message, transfer)
}

const startComputeThread: StartComputeThread = (start, { onMessage, onError, onEnded }) => {
  const name = `compute-${start.thread}`
  const worker = spawnThread('runtime/pool/compute-thread.ts', name, start, [...start.ports])
  worker.on('message', onMessage)
  worker.on('error', onError)
  worker.on('exit', onEnded)
  return (message) => worker.postMessage(message)
}

const startSpoolThread: StartSpoolThread = (start, { onMessage, onError, onEnded }) => {
  const worker = spawnSpoolThread(start)
  worker.on('message', onMessage)
  worker.on('error', onError)
  worker.on('exit', onEnded)
  return {
    tell: (message) => worker.postMessage(message),
    terminate: () => void worker.terminate(),
  }
}

const report = (
  event: AgentEvent | 'draining',
  detail: string,
  unloaded?: UnloadedVersion,
): EnvelopeBody => {
  const value = create(ReportSchema, { event, detail })
  if (unloaded !== undefined) {
    value.unload = create(UnloadSchema, { ...unloaded, version: BigInt(unloaded.version) })
  }
  return { case: 'report', value }
}

const hello = (): EnvelopeBody => ({
  case: 'hello',
  value: create(HelloSchema, {
    protocol: CONTROL_PROTOCOL,
    replica,
    pid: process.pid,
    startTime: ownIdentity().startTime,
    incarnation: BigInt(settings.incarnation),
    epoch: BigInt(agent.plan?.epoch ?? 0),
    digests: agent.plan?.versions.map(({ digest }) => digest) ?? [],
    // Of what control has said, as it knows it itself.
    settingsSha256: settingsSha256(given),
    dead: deadSums,
    httpEngine: agent.httpEngine,
    plan: agent.plan === null ? new Uint8Array() : encodeJson(agent.plan),
  }),
})

/** Without a control that reads, traces wait in their rings, as long as those have room. */
const tellTraces = (): void => {
  const value = dialer.isFlowing ? agent.takeTraces() : null
  if (value !== null) dialer.tell({ case: 'traces', value })
}

/** Hands the last figures over: without it what was counted in the last second would be lost. */
const bequeath = async (): Promise<void> => {
  tellTraces()
  const value = create(DrainedSchema, { final: agent.statistics() })
  try {
    await dialer.call({ case: 'drained', value }, FINAL_MS_MAX)
  } catch {
    // There is no control, or it hangs: nobody could take the figures.
  }
}

let isEnding = false

/** The orderly end. Asked for again, the earlier deadline counts. */
const drainAndExit = async (limitMs: number, reason: string): Promise<void> => {
  const drained = agent.drain(limitMs)
  if (isEnding) return
  isEnding = true
  await drained
  await bequeath()
  exit(0, reason)
}

const onMessage = async (
  body: EnvelopeBody,
  answer: (body: EnvelopeBody) => void,
): Promise<void> => {
  switch (body.case) {
    case 'welcome': {
      const { refused } = body.value
      if (refused === '') return
      // Nobody wants it, but its clients did nothing wrong.
      dialer.stop()
      void drainAndExit(settings.drainMsMax, `control refused: ${refused}`)
      return
    }
    case 'prepare': {
      const failures = await agent.prepare(decodePlan(body.value.plan))
      const epoch = failures === null ? 0n : body.value.epoch
      const value = create(PreparedSchema, { epoch, failures: encodeJson(failures ?? []) })
      return answer({ case: 'prepared', value })
    }
    case 'access': {
      const failure = await agent.access(decodeAccess(body.value.plan))
      return answer({ case: 'accessTaken', value: create(AccessTakenSchema, { failure }) })
    }
    case 'commit': {
      const isCommitted = await agent.commit(Number(body.value.epoch))
      const { httpEngine } = agent
      const epoch = isCommitted ? body.value.epoch : 0n
      return answer({ case: 'committed', value: create(CommittedSchema, { epoch, httpEngine }) })
    }
    case 'statisticsRequest':
      return answer({ case: 'statistics', value: agent.statistics() })
    case 'deadSums':
      deadSums = body.value
      return
    case 'drain':
      void drainAndExit(body.value.deadlineMs, 'drained')
  }
}

/** Without control the replica serves on for a while, then ends, so that none is orphaned. */
const watchControl = (): void => {
  const { controlAbsenceMsMax, drainMsMax } = settings
  const { lostMs } = dialer
  if (lostMs === null || controlAbsenceMsMax === 0 || agent.isDraining) return
  if (systemClock.monotonic() - lostMs < controlAbsenceMsMax) return
  void drainAndExit(drainMsMax, 'control stayed away')
}

outliveOutput()
announceHeaderLimit(settings.limits.headerBytesMax)
let deadSums: DeadSums = create(DeadSumsSchema)
const agent = new Agent({
  settings,
  clock: systemClock,
  logger,
  marksFd: openMarks(
    join(dirname(settings.socketPath), 'run', marksFileName(replica, settings.incarnation)),
  ),
  startThread,
  startComputeThread,
  startSpoolThread,
  report: (...news) => dialer.tell(report(...news)),
  forward: forwardBy((body, timeoutMs) => dialer.call(body, timeoutMs), systemClock),
  exit,
})
const dialer = new ControlDialer({
  socketPath: settings.socketPath,
  clock: systemClock,
  greeting: () => (agent.isDraining ? [hello(), report('draining', '')] : [hello()]),
  onMessage: (body, answer) => void onMessage(body, answer),
})

every(systemClock, WATCH_MS, () => {
  agent.watch()
  watchControl()
})
if (settings.tracing !== null) every(systemClock, TRACES_MS, tellTraces)
process.on('SIGTERM', () => {
  if (!agent.isDraining) dialer.tell(report('draining', 'SIGTERM'))
  void drainAndExit(settings.drainMsMax, 'SIGTERM')
})
// A terminal's Ctrl-C reaches the process group of control only; a stray one must not kill.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
process.on('unhandledRejection', (error) => {
  logger.error({ event: 'unhandled_rejection', error }, 'a promise was rejected')
  exit(1, 'unhandled rejection')
})
writeCodeCache()
