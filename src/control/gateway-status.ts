/** The status document of a running gateway. Put together from what is known now; asks nobody. */

import type { Clock } from '../shared/clock.ts'
import { refuse } from '../shared/errors.ts'
import { VERSION } from '../shared/version.ts'
import { endpointStatuses } from './endpoint-status.ts'
import type { CallAnswers } from './forwarded-calls.ts'
import type { Gateway } from './gateway.ts'
import { modelsDocument, modelWarnings } from './model-status.ts'
import { repositoryIndex } from './repository-states.ts'
import type { ReplicaSnapshot } from './statistics.ts'
import type { ModelsDocument, ReplicaStatus, StatusDocument } from './status-document.ts'
import type { ReplicaState } from './supervisor.ts'

export interface GatewayFacts {
  readonly gateway: string
  readonly clock: Clock
  /** When this control started: wall clock and monotonic. */
  readonly startedAtMs: number
  readonly startedMonotonicMs: number
  readonly httpHost: string
  readonly httpPort: number
  readonly controlPort: number
  readonly metricsListen: StatusDocument['metricsListen']
  /** Beside those of the gateway. */
  readonly warnings: readonly string[]
}

const replicaState = ({ state }: ReplicaState, isServing: boolean): ReplicaStatus['state'] => {
  if (state === 'dead' || state === 'draining') return state
  return isServing ? 'serving' : 'starting'
}

const deathWarning = ({ index, lastDeath }: ReplicaState): string =>
  `replica ${index} is not running${lastDeath === null ? '' : `: ${lastDeath.detail}`}`

const threadStatuses = (figures: ReplicaSnapshot | undefined): ReplicaStatus['threads'] =>
  (figures?.threads ?? []).map(({ thread, state, connections, inFlight, loopLagSeconds }) => ({
    thread,
    state,
    connections,
    inFlight,
    loopLagMs: loopLagSeconds * 1000,
  }))

const replicaStatus = (
  { supervisor, publisher, figures }: Gateway,
  replica: ReplicaState,
  monotonicMs: number,
): ReplicaStatus => {
  const { index, incarnation, pid, restarts, startedAtMs } = replica
  const isThis = (each: { incarnation: number }) => each.incarnation === incarnation
  const connected = supervisor.connected().find(isThis)
  const isServing = connected !== undefined && publisher.servedBy(connected) !== null
  const own = figures.snapshot?.replicas.find(isThis)
  return {
    index,
    pid,
    restarts,
    uptimeMs: startedAtMs === null ? 0 : monotonicMs - startedAtMs,
    state: replicaState(replica, isServing),
    epoch: own?.epoch ?? 0,
    httpEngine: connected === undefined ? '' : publisher.engineOf(connected),
    rssBytes: own?.rssBytes ?? 0,
    threads: threadStatuses(own),
  }
}

/** Every model and version of a running gateway. */
export const gatewayModels = ({
  catalog,
  publisher,
  supervisor,
  unbound,
}: Gateway): ModelsDocument =>
  modelsDocument(catalog.models, {
    unbound,
    find: (model, version) =>
      publisher.plan?.versions.find((each) => each.model === model && each.version === version),
    isAvailable: (planned) => {
      const replicas = supervisor.connected()
      return replicas.length > 0 && replicas.every((each) => publisher.isLoadedIn(each, planned))
    },
  })

/** What clients are told, by the way of their replica. */
export const callAnswers = (gateway: Gateway): CallAnswers => ({
  repository_index: ({ ready }) =>
    gateway.catalog.hasScan
      ? repositoryIndex(gatewayModels(gateway), ready)
      : refuse('CONTROL_UNREACHABLE', 'Control has not read the model repository yet'),
})

export const gatewayStatus = (gateway: Gateway, facts: GatewayFacts): StatusDocument => {
  const { plan } = gateway.publisher
  const monotonicMs = facts.clock.monotonic()
  const reasons = gateway.unreadyReasons()
  const states = gateway.supervisor.states()
  const replicas = states.map((replica) => replicaStatus(gateway, replica, monotonicMs))
  return {
    version: VERSION,
    gateway: facts.gateway,
    ready: reasons.length === 0,
    reasons,
    epoch: plan?.epoch ?? 0,
    startedAt: new Date(facts.startedAtMs).toISOString(),
    uptimeMs: monotonicMs - facts.startedMonotonicMs,
    httpHost: facts.httpHost,
    httpPort: facts.httpPort,
    controlPort: facts.controlPort,
    metricsListen: facts.metricsListen,
    defaultEndpoint: plan?.defaultEndpoint ?? null,
    endpoints: endpointStatuses(plan, gateway.figures.snapshot),
    replicas,
    warnings: [
      ...facts.warnings,
      ...gateway.warnings(),
      ...modelWarnings(gatewayModels(gateway)),
      ...states.filter(({ state }) => state === 'dead').map(deathWarning),
    ],
  }
}
