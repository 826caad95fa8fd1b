/** What `sluice serve` says when it is ready: where things are, and a command that works. */

import type { ModelsDocument, StatusDocument } from '../control/status-document.ts'
import { bytes, paint } from './output.ts'

export interface BannerFacts {
  readonly readyMs: number
  readonly node: string
  readonly onnxRuntime: string
  readonly stateDir: string
  /** A body for the first endpoint that answers 200; null when no profile has an example. */
  readonly exampleBody: string | null
}

const modelLine = ({ models }: ModelsDocument): string =>
  models
    .map(({ name, versions }) => {
      const parts = versions
        .filter(({ state }) => state !== 'unloaded')
        .map(({ version, aliases, state }) => {
          const names = aliases.length === 0 ? '' : ` ${aliases.join(' ')}`
          return `v${version}${names}${state === 'available' ? '' : ` (${state})`}`
        })
      return `${name} ${parts.join(' · ')}`
    })
    .join(', ')

const shown = (host: string): string =>
  host === '0.0.0.0' || host === '127.0.0.1' ? 'localhost' : host

/** The lines of the banner. Only what exists is named. */
export const renderBanner = (
  status: StatusDocument,
  models: ModelsDocument,
  facts: BannerFacts,
): string => {
  const data = `http://${shown(status.httpHost)}:${status.httpPort}`
  const control = `http://localhost:${status.controlPort}`
  const endpoint = status.defaultEndpoint ?? status.endpoints[0]?.name ?? '{endpoint}'
  const line = (name: string, text: string) => `  ${paint('green', '➜')}  ${name.padEnd(11)}${text}`
  const memory = status.replicas.reduce((sum, { rssBytes }) => sum + rssBytes, 0)
  const threads = Math.max(0, ...status.replicas.map((replica) => replica.threads.length))
  const title = `${paint('bold', 'SLUICE')} ${status.version}  ready in ${Math.round(facts.readyMs)} ms`
  const versions = `node ${facts.node} · onnxruntime ${facts.onnxRuntime} · cpu`
  const lines = [
    `  ${title}    ${versions}`,
    line('Predict', `${data}/predict/${endpoint}`),
    line('Status', `${control}/api/v1/status    or: npx sluice status`),
    line('Metrics', `${control}/metrics`),
    line('Models', modelLine(models)),
    line(
      'Processes',
      `${status.replicas.length} replica(s) x ${threads} data thread(s), ${bytes(memory)}`,
    ),
    line('State', facts.stateDir),
    ...status.warnings.map((warning) => `  ${paint('yellow', '⚠')}  ${warning}`),
  ]
  if (facts.exampleBody !== null) {
    lines.push(`  try   curl -s ${data}/predict/${endpoint} -d '${facts.exampleBody}'`)
  }
  lines.push('  Ctrl-C drains and quits · kill -HUP reads the repository again')
  return lines.join('\n')
}
