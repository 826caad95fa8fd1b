/** The status document of a running gateway. */

import { VERSION } from '../shared/version.ts'
import type { Gateway } from './gateway.ts'
import type { ReplicaSnapshot } from './statistics.ts'
import { endpointStatuses, modelWarnings } from './status.ts'
import type { ModelsDocument, ReplicaStatus, StatusDocument } from './status-document.ts'
import type { ReplicaState } from './supervisor.ts'

export interface GatewayFacts {
  readonly gateway: string
  readonly stateDir: string
  readonly startedAtMs: number
  readonly httpHost: string
  readonly httpPort: number
  readonly controlPort: number
  /** Monotonic now. */
  readonly monotonicMs: number
  readonly nowMs: number
}

const stateOf = ({ state }: ReplicaState, isServing: boolean): ReplicaStatus['state'] => {
  if (state === 'dead' || state === 'draining') return state
  return isServing ? 'serving' : 'starting'
}

const threadStatuses = (figures: ReplicaSnapshot | undefined): ReplicaStatus['threads'] =>
  (figures?.threads ?? []).map(({ thread, state, connections, inFlight, loopLagSeconds }) => ({
    thread,
    state,
    connections,
    inFlight,
    loopLagMs: loopLagSeconds * 1000,
  }))

const replicaStatus = (
  gateway: Gateway,
  replica: ReplicaState,
  monotonicMs: number,
): ReplicaStatus => {
  const { index, pid, restarts, startedAtMs } = replica
  const connected = gateway.supervisor.connected().find((each) => each.index === index)
  const isServing = connected !== undefined && gateway.epochs.isServedBy(connected)
  const figures = gateway.snapshot?.replicas.find((each) => each.index === index)
  return {
    index,
    pid,
    restarts,
    uptimeMs: startedAtMs === null ? 0 : monotonicMs - startedAtMs,
    state: stateOf(replica, isServing),
    epoch: figures?.epoch ?? 0,
    httpEngine: connected === undefined ? '' : gateway.epochs.engineOf(connected),
    rssBytes: figures?.rssBytes ?? 0,
    threads: threadStatuses(figures),
  }
}

/** Put together from what is known now; asks nobody. */
export const gatewayStatus = (
  gateway: Gateway,
  models: ModelsDocument,
  facts: GatewayFacts,
): StatusDocument => {
  const reasons = gateway.unreadyReasons()
  const { plan } = gateway.epochs
  const replicas = gateway.supervisor
    .states()
    .map((replica) => replicaStatus(gateway, replica, facts.monotonicMs))
  const fault = gateway.scanFault
  return {
    version: VERSION,
    gateway: facts.gateway,
    ready: reasons.length === 0,
    reasons,
    epoch: plan?.epoch ?? 0,
    startedAt: new Date(facts.startedAtMs).toISOString(),
    uptimeMs: facts.nowMs - facts.startedAtMs,
    httpHost: facts.httpHost,
    httpPort: facts.httpPort,
    controlPort: facts.controlPort,
    defaultEndpoint: plan?.defaultEndpoint ?? null,
    endpoints: endpointStatuses(plan, gateway.snapshot),
    replicas,
    warnings: [
      ...(fault === null ? [] : [fault]),
      ...gateway.repositoryFaults(),
      ...modelWarnings(models),
      ...replicas
        .filter(({ state }) => state === 'dead')
        .map(({ index }) => `replica ${index} is not running`),
    ],
  }
}
