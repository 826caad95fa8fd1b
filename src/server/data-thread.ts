/**
 * Entry of a data thread: sockets in, answers out. Wires the request path of this thread and obeys
 * its agent. It logs nothing, reads no file but model copies, and talks to no other thread while a
 * request is under way.
 */

import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { parentPort, workerData } from 'node:worker_threads'
import type { Turns } from '../runtime/batcher-policy.ts'
import { PoolLinks } from '../runtime/pool/pool-links.ts'
import type { TlsMaterial } from '../shared/access-plan.ts'
import { systemClock, threadOriginMs } from '../shared/clock.ts'
import { writeCodeCache } from '../shared/code-cache.ts'
import { GatewayError } from '../shared/errors.ts'
import { predictionIdPrefix } from '../shared/ids.ts'
import { RunMark } from '../shared/run-marks.ts'
import {
  BODY_BYTES_WORD,
  DRAINING_WORD,
  MARKS_FD_WORD,
  mapReplicaMemory,
  THREAD_WORDS,
} from '../shared/shared-memory.ts'
import { keepBeating } from '../shared/thread-state.ts'
import { currentThreadId } from '../shared/threads.ts'
import { Access } from './access.ts'
import { Account } from './account.ts'
import { apiDescription } from './api-description.ts'
import { createCors } from './cors.ts'
import { connectionsShare, Doorkeeper } from './doorkeeper.ts'
import { Engines } from './engines.ts'
import { Epochs } from './epochs.ts'
import { FeedbackRecords } from './feedback/feedback-records.ts'
import { GrpcEngine } from './grpc/grpc-engine.ts'
import type { GrpcLimits } from './grpc/grpc-options.ts'
import { HeldVersions } from './held-versions.ts'
import { createHttpEngine } from './http.ts'
import { Infer } from './infer.ts'
import { LiveVersions } from './live-version.ts'
import { Replies } from './replies.ts'
import { ThreadCalls } from './thread-calls.ts'
import { drainThread } from './thread-drain.ts'
import type { DataThreadStart, FromDataThread, ToDataThread } from './thread-messages.ts'
import { ThreadPools } from './thread-pools.ts'
import { threadRecords } from './thread-records.ts'
import { sessionLoader } from './thread-sessions.ts'
import { tracesOf } from './traces.ts'

const { settings, thread, memory, records: recordMemory } = workerData as DataThreadStart
const { gateway, incarnation } = settings
const replica = mapReplicaMemory(memory, settings.threads, settings.computeThreads)
const own = replica.threads[thread]!
const account = new Account(own)
const mark = new RunMark(replica.words[MARKS_FD_WORD]!, thread)
const { monotonic } = systemClock
const originMs = threadOriginMs()

type MessageOf<T> = Extract<ToDataThread, { type: T }>

const tell = (message: FromDataThread): void => parentPort?.postMessage(message)

const turns: Turns = {
  monotonic,
  soon: (task) => setImmediate(task),
  after: (delayMs, task) => systemClock.setTimer(delayMs, task),
}

const pools = new ThreadPools({
  settings,
  thread,
  monotonic,
  originMs,
  links: new PoolLinks(
    own.words,
    replica.computeThreads.map(({ words }) => words),
  ),
  handlersFor: (number) => infer.handlersFor(number),
  onChange: (held) => tell({ type: 'pools', pools: held }),
})
const onFault = (requestId: string, thrown: unknown): void =>
  tell({ type: 'fault', requestId, detail: String((thrown as Error)?.stack ?? thrown) })

const traces = tracesOf(settings.tracing, own.traces, systemClock)
const idPrefix = predictionIdPrefix(gateway, settings.replica, thread, incarnation)

const records =
  settings.records === null || recordMemory === null
    ? null
    : threadRecords({
        ...{ settings: settings.records, memory: recordMemory, threads: settings.threads, thread },
        ...{ account, traces, clock: systemClock, turns, wait: Atomics.wait },
        heldBytesMax: settings.limits.bodyBytesInFlightMax / settings.threads,
        producer: idPrefix.slice(0, -1),
        refuse: (pending) => replies.unrecorded(pending),
        onFault: (thrown) => onFault('', thrown),
      })

const load = sessionLoader({
  ...{ limits: settings.limits, account, pools, mark, turns: records?.turns ?? turns },
  handlersFor: (number) => infer.handlersFor(number),
})

const held = new HeldVersions((versions) => tell({ type: 'held', versions }))
const epochs = new Epochs(replica.words, new LiveVersions(held.counting(load)))

const replies = new Replies({
  ...{ account, traces, monotonic, onFault, predictionIdPrefix: idPrefix },
  recording: records?.recording ?? null,
  release: records?.release ?? null,
})

const isDraining = () => Atomics.load(replica.words, DRAINING_WORD) === 1

const isReady = (): boolean => {
  const { epoch } = epochs.current()
  return epoch.number > 0 && epoch.plan.unavailable.length === 0 && !isDraining()
}

/** Adds to the sum of all threads first and takes it back when it was too much: no lock. */
const takeBodyBytes = (bytes: number): boolean => {
  const before = Atomics.add(replica.words, BODY_BYTES_WORD, bytes)
  if (bytes <= 0 || before + bytes <= settings.limits.bodyBytesInFlightMax) return true
  Atomics.sub(replica.words, BODY_BYTES_WORD, bytes)
  return false
}

const calls = new ThreadCalls(tell)

const infer = new Infer({
  epochs,
  replies,
  account,
  jsonDepthMax: settings.limits.jsonDepthMax,
  describe: apiDescription({ hasDocsPage: settings.hasDocsPage, hasFeedback: records !== null }),
  forward: calls.forward,
  feedback: records === null ? null : new FeedbackRecords({ ...records, epochs, monotonic }),
  now: systemClock.now,
  timeouts: settings.limits,
  bodies: { bodyBytesMax: settings.limits.bodyBytesMax, takeBodyBytes },
  monotonic,
  isReady,
})

const gate = new Access({
  processNs: () => BigInt(Math.round((originMs + monotonic()) * 1e6)),
  defaultEndpoint: () => epochs.current().epoch.plan.defaultEndpoint,
})

const doorkeeper = new Doorkeeper({
  clock: systemClock,
  connectionsMax: connectionsShare(settings.limits.connectionsMax, settings.threads),
  onChange: (accepting) => account.accepting(accepting),
})

const engineOptions = {
  bodyBytesMax: settings.limits.bodyBytesMax,
  headerBytesMax: settings.limits.headerBytesMax,
  unsentBytesMax: settings.limits.bodyBytesInFlightMax / settings.threads,
  gate,
  isTls: settings.isTls,
  traces,
  takeBodyBytes,
  onConnections: (delta: 1 | -1) => {
    account.connections(delta)
    doorkeeper.onConnections(delta)
  },
  onRequest: infer.onRequest,
  onAborted: infer.onAborted,
}

const http = createHttpEngine(settings.httpEngine, {
  ...engineOptions,
  keyFolder: dirname(settings.socketPath),
  cors: createCors(settings.corsOrigins),
})

const isEndpointReady = (name: string): boolean | null => {
  const { epoch } = epochs.current()
  if (epoch.endpoints.has(name)) return !isDraining()
  return epoch.plan.unavailable.includes(name) ? false : null
}

const createGrpc = (limits: GrpcLimits): GrpcEngine => {
  const callsMax = connectionsShare(settings.limits.connectionsMax, settings.threads)
  const own = { callsMax, limits, isReady, isEndpointReady }
  return new GrpcEngine({ ...engineOptions, ...own, onFault: (thrown) => onFault('', thrown) })
}

const engines = new Engines(http, settings.grpcPort === null ? null : createGrpc(settings.grpc))

const drain = (): void => {
  doorkeeper.end()
  engines.onReadiness()
  drainThread({
    ...{ clock: systemClock, engines, threads: replica.threads, own: own.words, end },
    onAccepting: (accepting) => account.accepting(accepting),
  })
}

/** A thread that ends with a socket of uWebSockets open aborts the process: close them first. */
const end = (): void => {
  doorkeeper.end()
  records?.release?.close()
  // HTTP/2 of Node hands on what was written when the turn is over.
  setImmediate(() => {
    records?.release?.close()
    engines.close()
    records?.close(own.words[THREAD_WORDS.IN_FLIGHT]! > 0)
    process.exit()
  })
}

const prepare = ({ number, plan, ...more }: MessageOf<'prepare'>): void => {
  const { jsonDepthMax } = settings.limits
  pools.grant(more.pools)
  const failures = epochs.prepare(number, plan, { ...more, jsonDepthMax })
  account.idle()
  pools.grant({})
  tell({ type: 'prepared', number, failures })
}

let served: TlsMaterial | null = null

/** Why what was served before stays; null: it does not. */
const secure = (material: TlsMaterial | null): string | null => {
  if (material === null || !settings.isTls || isDeepStrictEqual(material, served)) return null
  try {
    engines.secure(material)
    served = material
    return null
  } catch (thrown) {
    return GatewayError.from(thrown).message
  }
}

const access = ({ number, plan, words, indices }: MessageOf<'access'>): void => {
  gate.use(plan.keys, words, indices)
  tell({ type: 'accessTaken', number, failure: secure(plan.tls) })
}

const listen = ({ number, ...ports }: MessageOf<'listen'>): void => {
  const answer = (failure: string | null) =>
    tell({ type: 'listening', number, engine: engines.httpEngine, failure })
  if (settings.isTls && served === null) {
    answer('There is no certificate to listen with')
    return
  }
  engines.listen(settings.host, ports).then(
    () => {
      doorkeeper.begin(engines)
      answer(null)
    },
    (thrown: Error) => answer(thrown.message),
  )
}

const onMessage: { [T in ToDataThread as T['type']]: (message: T) => void } = {
  prepare,
  access,
  committed: () => {
    epochs.current()
    engines.onReadiness()
  },
  listen,
  drain,
  close: end,
  compute_thread: ({ thread, port }) => pools.links.connect(thread, port),
  spool_thread: ({ port }) => records?.connect(port),
  answered: calls.onAnswered,
}

parentPort?.on('message', (message: ToDataThread) => {
  const handler = onMessage[message.type] as (message: ToDataThread) => void
  handler(message)
})

own.words[THREAD_WORDS.TID] = currentThreadId()
const cancelBeat = keepBeating(systemClock, (cpuSeconds, loopLagSeconds) => {
  account.beat(cpuSeconds, loopLagSeconds)
  records?.onBeat()
  pools.links.look()
})
parentPort?.on('close', cancelBeat)
writeCodeCache()
