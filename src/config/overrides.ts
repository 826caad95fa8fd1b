/** Flags and variables that override sluice.yaml: their keys, and how their text is read. */

import { parse } from 'yaml'
import { nearest } from '../shared/nearest.ts'
import type { ConfigProblem } from './config.ts'
import type { Environment } from './environment.ts'
import type { JsonSchema } from './problems.ts'

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
  'control-port': ['control', 'port'],
  host: ['server', 'host'],
  threads: ['server', 'threads'],
  replicas: ['server', 'replicas'],
  http: ['server', 'http'],
  'model-control-mode': ['model_control_mode'],
}

/** Variables of the command line tool that are no settings of the gateway. */
const OTHER_VARIABLES = new Set(['SLUICE_SERVER', 'SLUICE_CONFIG', 'SLUICE_TOKEN_FILE'])
const PREFIX = 'SLUICE_'

const schemaAt = (schema: JsonSchema, path: readonly string[]): JsonSchema | undefined =>
  path.reduce<JsonSchema | undefined>((at, key) => at?.properties?.[key], schema)

/** Text of a flag or variable as the schema's type: YAML for all but plain strings. */
const readText = (text: string, schema: JsonSchema | undefined): unknown => {
  if (schema?.type === 'string') return text
  try {
    return parse(text)
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

/** All dotted paths of leaves, as variables: for hints. */
const variablesOf = (schema: JsonSchema, path: readonly string[] = []): string[] =>
  Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    child.properties === undefined
      ? [PREFIX + [...path, key].join('__').toUpperCase()]
      : variablesOf(child, [...path, key]),
  )

/** `SLUICE_<SECTION>__<KEY>`. An unknown one is a problem: a setting that does nothing misleads. */
export const environmentOverrides = (
  env: Environment,
  schema: JsonSchema,
): { overrides: Override[]; problems: ConfigProblem[] } => {
  const overrides: Override[] = []
  const problems: ConfigProblem[] = []
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || OTHER_VARIABLES.has(name) || text === undefined) continue
    const path = name.slice(PREFIX.length).toLowerCase().split('__')
    const at = schemaAt(schema, path)
    if (at !== undefined && at.properties === undefined) {
      overrides.push({ source: name, path, value: readText(text, at) })
      continue
    }
    const near = nearest(name, variablesOf(schema))
    const hint =
      near === null ? 'sections and keys are joined by two underscores' : `did you mean ${near}?`
    problems.push({ source: name, line: 0, column: 0, path: '', message: 'Unknown variable', hint })
  }
  return { overrides, problems }
}
