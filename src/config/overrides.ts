/** Flags and variables that override sluice.yaml: which keys they set, how their text is read. */

import { parse } from 'yaml'
import { nearest } from '../shared/nearest.ts'
import type { ConfigProblem } from './config.ts'
import type { Environment } from './environment.ts'
import { type JsonSchema, type Leaf, leavesOf, schemaAt } from './schema-text.ts'

export interface Override {
  /** `--http-port` or `SLUICE_SERVER__HTTP_PORT` */
  readonly source: string
  readonly path: readonly string[]
  readonly value: unknown
}

/** Flags of `sluice serve` and `sluice check`, and the keys that they set. */
export const FLAG_PATHS: Readonly<Record<string, readonly string[]>> = {
  'model-repository': ['model_repository'],
  'state-dir': ['state_dir'],
  'http-port': ['server', 'http_port'],
  'grpc-port': ['server', 'grpc_port'],
  'control-port': ['control', 'port'],
  'metrics-listen': ['metrics', 'listen'],
  host: ['server', 'host'],
  threads: ['server', 'threads'],
  replicas: ['server', 'replicas'],
  http: ['server', 'http'],
  'model-control-mode': ['model_control_mode'],
  'load-model': ['load_models'],
}

const PREFIX = 'SLUICE_'

/** Variables of the command line tool that are no settings of the gateway. */
const OTHER_VARIABLES = new Set(['SLUICE_SERVER', 'SLUICE_CONFIG', 'SLUICE_TOKEN_FILE'])

/**
 * Kubernetes and Docker put the addresses of a service called `sluice` or `sluice-...` into every
 * container: `SLUICE_PORT=tcp://...`, `SLUICE_SERVICE_HOST`, `SLUICE_PORT_8000_TCP_ADDR`.
 */
const SERVICE_LINK = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//

const isForeign = (name: string, text: string): boolean =>
  OTHER_VARIABLES.has(name) || SERVICE_LINK.test(name) || SERVICE_LINK_VALUE.test(text)

/** Any text is a value of this setting: a name that looks like a number stays a name. */
const takesText = ({ type, enum: words, const: word, anyOf }: JsonSchema): boolean =>
  anyOf?.some(takesText) ?? (type === 'string' && words === undefined && word === undefined)

/** Text of a flag or variable as a value: YAML, unless the setting takes any text. */
const readText = (text: string, schema: JsonSchema | undefined): unknown => {
  const isNull = text === 'null' && schema?.anyOf?.some(({ type }) => type === 'null') === true
  if (isNull) return null
  if (schema !== undefined && takesText(schema)) return text
  try {
    return parse(text, { logLevel: 'error' })
  } catch {
    return text
  }
}

export const flagOverrides = (
  flags: Readonly<Record<string, string | undefined>>,
  schema: JsonSchema,
): Override[] =>
  Object.entries(flags).flatMap(([flag, text]) => {
    const path = FLAG_PATHS[flag]
    if (path === undefined || text === undefined) return []
    return [{ source: `--${flag}`, path, value: readText(text, schemaAt(schema, path)) }]
  })

/** `SLUICE_SERVER__HTTP_PORT` for `server.http_port`. */
export const variableOf = (path: readonly string[]): string =>
  PREFIX + path.join('__').toUpperCase()

const ALL_KEYS = 'see docs/reference/config.md for the keys'

/**
 * What was meant by a variable that sets nothing: a misspelt setting, one without its section, or a
 * whole section. Null: it resembles nothing of ours.
 */
const variableHint = (name: string, settings: ReadonlyMap<string, Leaf>): string | null => {
  const rest = name.slice(PREFIX.length)
  const all = [...settings.keys()]
  const near = nearest(
    rest,
    all.map((each) => each.slice(PREFIX.length)),
  )
  if (near !== null) return `did you mean ${PREFIX}${near}?`
  const word = rest.replaceAll('__', '_')
  const isLast = (each: string) => settings.get(each)?.path.at(-1)?.toUpperCase() === word
  const last = all.filter(isLast)
  if (last.length > 0) return `did you mean ${last.join(' or ')}?`
  const section = all.find((each) => each.startsWith(`${name}__`))
  if (section !== undefined) return `a section is set key by key, such as ${section}`
  return name.includes('__') ? ALL_KEYS : null
}

/**
 * `SLUICE_<SECTION>__<KEY>`. A setting that does nothing misleads, so a variable that looks like
 * ours but is none is a problem.
 */
export const environmentOverrides = (
  env: Environment,
  schema: JsonSchema,
): { overrides: Override[]; problems: ConfigProblem[] } => {
  const overrides: Override[] = []
  const problems: ConfigProblem[] = []
  const settings = new Map(leavesOf(schema).map((leaf) => [variableOf(leaf.path), leaf]))
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined) continue
    const leaf = settings.get(name)
    if (leaf !== undefined) {
      overrides.push({ source: name, path: leaf.path, value: readText(text, leaf.schema) })
      continue
    }
    const hint = isForeign(name, text) ? null : variableHint(name, settings)
    if (hint === null) continue
    problems.push({ source: name, line: 0, column: 0, path: '', message: 'Unknown variable', hint })
  }
  return { overrides, problems }
}
