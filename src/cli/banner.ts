/** What `sluice serve` says when it serves: where things are, and a command that works. */

import type {
  EndpointStatus,
  ModelsDocument,
  StatusDocument,
} from '../control/api/status-document.ts'
import type { PlannedVersion } from '../shared/epoch-plan.ts'
import { bytes, many, paint, plain } from './output.ts'
import { dataPlaneUrl, formatUrl, grpcAddress } from './url.ts'

export interface BannerFacts {
  readonly readyMs: number
  readonly node: string
  readonly onnxRuntime: string
  readonly stateDir: string
  /** Where predictions are written down; null: nowhere. */
  readonly records: RecordsFacts | null
  readonly controlHost: string
  /** Of control, for `kill`. */
  readonly pid: number
  /** A request that answers 200; null when no version has an example row. */
  readonly example: Example | null
}

export interface RecordsFacts {
  /** Folder of the files. */
  readonly path: string
  readonly durability: string
  /** The config, for a verb that is typed elsewhere; null: found without being named. */
  readonly config: string | null
}

export interface Example {
  readonly endpoint: string
  readonly body: string
}

/** A body for the default endpoint, else for the first that has an example row. */
export const exampleOf = (
  { endpoints, defaultEndpoint }: Pick<StatusDocument, 'endpoints' | 'defaultEndpoint'>,
  versions: readonly PlannedVersion[],
): Example | null => {
  const byRank = [
    ...endpoints.filter(({ name }) => name === defaultEndpoint),
    ...endpoints.filter(({ name }) => name !== defaultEndpoint),
  ]
  for (const { name, model, variants } of byRank) {
    const version = variants[0]?.version
    const planned = versions.find((each) => each.model === model && each.version === version)
    const row = planned?.exampleRow ?? null
    if (row !== null) return { endpoint: name, body: JSON.stringify({ features: row }) }
  }
  return null
}

/** For a POSIX shell: as it stands, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const shareOf = (endpoints: readonly EndpointStatus[], model: string, version: number): string => {
  const variants = endpoints.find((endpoint) => endpoint.model === model)?.variants ?? []
  const own = variants.find((variant) => variant.version === version)
  return own === undefined || variants.length < 2 ? '' : ` ${own.weightBp / 100} %`
}

/** `flight-delay v3 champion 90 % · v4 challenger 10 %`, one for each model. */
export const modelLines = ({ models }: ModelsDocument, { endpoints }: StatusDocument): string[] =>
  models.map(({ name, versions }) => {
    const parts = versions
      .filter(({ state }) => state !== 'unloaded')
      .map(({ version, aliases, state }) => {
        const names = aliases.map((alias) => ` ${alias}`).join('')
        const share = shareOf(endpoints, name, version)
        return `v${version}${names}${share}${state === 'available' ? '' : ` (${state})`}`
      })
    return `${name} ${parts.join(' · ')}`
  })

/** Where `/predict` is asked, and how. */
export const predictUrl = (status: StatusDocument): string => {
  const name = status.defaultEndpoint ?? status.endpoints[0]?.name ?? '{endpoint}'
  return `${dataPlaneUrl(status)}/predict/${name}`
}

/** Where a scraper asks, and the control port where nothing else is configured. */
export const metricsUrl = (
  { metricsListen, controlPort }: StatusDocument,
  controlHost: string,
): string => {
  const { host, port } = metricsListen ?? { host: controlHost, port: controlPort }
  return `${formatUrl(host, port)}/metrics`
}

const processes = ({ replicas }: StatusDocument): string => {
  const memory = replicas.reduce((sum, { rssBytes }) => sum + rssBytes, 0)
  const threads = Math.max(0, ...replicas.map((replica) => replica.threads.length))
  const count = `${many(replicas.length, 'replica')} x ${many(threads, 'data thread')}`
  return memory === 0 ? count : `${count}, ${bytes(memory)}`
}

const head = (status: StatusDocument, { readyMs, node, onnxRuntime }: BannerFacts): string => {
  const title = `${paint('bold', 'SLUICE')} ${status.version}`
  const state = status.ready
    ? `ready in ${Math.round(readyMs)} ms`
    : paint('yellow', `not ready: ${plain(status.reasons.join('; '))}`)
  return `  ${title}  ${state}    node ${node} · onnxruntime ${onnxRuntime} · cpu`
}

/** The same, bare where a shell takes it so. */
const word = (text: string): string => (/^[\w./-]+$/.test(text) ? text : quoted(plain(text)))

const recordsText = ({ path, durability, config }: RecordsFacts): string => {
  const named = config === null ? '' : ` --config ${word(config)}`
  return `${plain(path)} (${durability})    or: npx sluice records tail -f${named}`
}

/** The lines of the banner. Only what exists is named. */
export const renderBanner = (
  status: StatusDocument,
  models: ModelsDocument,
  facts: BannerFacts,
): string => {
  const control = formatUrl(facts.controlHost, status.controlPort)
  const grpc = grpcAddress(status)
  const line = (name: string, text: string) => `  ${paint('green', '➜')}  ${name.padEnd(11)}${text}`
  const lines = [
    head(status, facts),
    line('Predict', predictUrl(status)),
    ...(grpc === null ? [] : [line('gRPC', grpc)]),
    line('Status', `${control}/api/v1/status    or: npx sluice status`),
    line('Metrics', metricsUrl(status, facts.controlHost)),
    line('Models', modelLines(models, status).join(', ') || 'none'),
    line('Processes', processes(status)),
    line('State', facts.stateDir),
    ...(facts.records === null ? [] : [line('Records', recordsText(facts.records))]),
    ...status.warnings.map((warning) => `  ${paint('yellow', '⚠')}  ${plain(warning)}`),
  ]
  if (facts.example !== null) {
    const { endpoint, body } = facts.example
    const url = `${dataPlaneUrl(status)}/predict/${endpoint}`
    lines.push(`  try   curl -s ${url} -d ${quoted(body)}`)
  }
  const reload = `kill -HUP ${facts.pid} reads config and repository again`
  lines.push(`  Ctrl-C drains and quits · ${reload}`)
  return lines.join('\n')
}
