/** `sluice status`: is it ready, who serves, how fast. */

import type {
  EndpointStatus,
  ReplicaStatus,
  StatusDocument,
} from '../control/api/status-document.ts'
import { getStatus, type ServerOptions } from './client.ts'
import { bytes, count, duration, EXIT, paint, plain, print, printJson, table } from './output.ts'
import { dataPlaneUrl, formatUrl, grpcAddress } from './url.ts'

const stateMark = (state: ReplicaStatus['state']): string =>
  state === 'serving' ? paint('green', '✔ serving') : paint('yellow', `◌ ${state}`)

/** How many, and whether some thread takes no more: `12,034 (full)`. */
const connections = (threads: ReplicaStatus['threads']): string => {
  const sum = threads.reduce((total, each) => total + each.connections, 0)
  const closed = threads.find(({ accepting }) => accepting === 'full' || accepting === 'late')
  return closed === undefined ? count(sum) : `${count(sum)} (${closed.accepting})`
}

const replicaRows = (replicas: readonly ReplicaStatus[]): string[][] => [
  ['REPLICA', 'STATE', 'PID', 'UP', 'RESTARTS', 'EPOCH', 'HTTP', 'MEMORY', 'CONNECTIONS', 'LAG'],
  ...replicas.map((replica) => [
    String(replica.index),
    stateMark(replica.state),
    String(replica.pid),
    duration(replica.uptimeMs),
    String(replica.restarts),
    String(replica.epoch),
    replica.httpEngine,
    bytes(replica.rssBytes),
    connections(replica.threads),
    `${Math.max(0, ...replica.threads.map(({ loopLagMs }) => loopLagMs)).toFixed(1)} ms`,
  ]),
]

const endpointRows = (endpoints: readonly EndpointStatus[]): string[][] => [
  ['ENDPOINT', 'VARIANT', 'VERSION', 'WEIGHT', 'REQUESTS', 'REFUSED', 'FAILED', 'P50', 'P99'],
  ...endpoints.flatMap(({ name, variants }) =>
    variants.map((variant) => [
      name,
      variant.name,
      String(variant.version),
      `${(variant.weightBp / 100).toFixed(2)} %`,
      count(variant.requests),
      count(variant.refused),
      count(variant.failed),
      `${variant.p50Ms.toFixed(3)} ms`,
      `${variant.p99Ms.toFixed(3)} ms`,
    ]),
  ),
]

/** The page that `sluice status` prints. */
export const renderStatus = (status: StatusDocument): string => {
  const ready = status.ready
    ? paint('green', '✔ ready')
    : paint('yellow', `⚠ not ready: ${status.reasons.join('; ')}`)
  const head = `sluice ${status.version}  ${ready}  epoch ${status.epoch}  up ${duration(status.uptimeMs)}`
  const { metricsListen: scraped } = status
  const predict = `predict ${dataPlaneUrl(status)}/predict`
  const metrics = scraped ? [`metrics ${formatUrl(scraped.host, scraped.port)}/metrics`] : []
  const address = grpcAddress(status)
  const grpc = address === null ? [] : [`grpc ${address}`]
  const place = [predict, ...grpc, ...metrics, `gateway ${status.gateway}`].join('  ')
  const parts = [head, place, '', table(replicaRows(status.replicas))]
  if (status.endpoints.length > 0) parts.push('', table(endpointRows(status.endpoints)))
  else parts.push('', 'no endpoint: see `sluice models`')
  const { restart } = status
  if (restart !== null && restart.state !== 'done') {
    const { state, replaced, replicas, fault } = restart
    const what = `restart ${state}: ${replaced} of ${replicas} replaced`
    parts.push('', paint('yellow', fault === null ? `◌ ${what}` : `⚠ ${what}: ${plain(fault)}`))
  }
  if (status.warnings.length > 0) {
    parts.push('', ...status.warnings.map((warning) => paint('yellow', `⚠ ${plain(warning)}`)))
  }
  return parts.join('\n')
}

export interface StatusOptions extends ServerOptions {
  readonly json?: boolean
}

export const status = async (options: StatusOptions): Promise<number> => {
  const document = await getStatus(options)
  if (options.json) printJson(document)
  else print(renderStatus(document))
  return document.ready ? EXIT.OK : EXIT.FAILURE
}
