/**
 * sluice.yaml, then variables, then flags -> one frozen config, or everything that is wrong with
 * them. Read once; a reload reads again.
 */

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { ConfigProblem, SluiceConfig } from './config.ts'
import type { Environment } from './environment.ts'
import { environmentOverrides, flagOverrides, type Override } from './overrides.ts'
import { type JsonSchema, problemsOf } from './problems.ts'
import { type SluiceYaml, sluiceSchema } from './schemas/sluice.ts'
import { parseYaml, type YamlText } from './yaml-file.ts'

export interface LoadOptions {
  /** `--config`; without it `SLUICE_CONFIG`, then `./sluice.yaml` if it exists. */
  readonly file?: string | undefined
  /** By name without dashes: `http-port`. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly env: Environment
  readonly cwd: string
}

export type LoadResult =
  | { readonly config: SluiceConfig; readonly file: string | null }
  | { readonly problems: readonly ConfigProblem[] }

const NO_FILE: YamlText = {
  value: {},
  problems: [],
  locate: () => ({ source: 'sluice.yaml', line: 0, column: 0 }),
}

/** Name shown for a file: its last part, since messages are about lines, not folders. */
const readFile = (file: string, isOptional: boolean): YamlText => {
  const source = file.split('/').pop() ?? file
  try {
    return parseYaml(readFileSync(file), source)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code
    if (isOptional && code === 'ENOENT') return NO_FILE
    const message = code === 'ENOENT' ? 'No such file' : `Cannot be read (${code})`
    const problem = { source: file, line: 0, column: 0, path: '', message, hint: null }
    return { ...NO_FILE, problems: [problem] }
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Sets a value at a path in a copy of the tree; a non-map on the way is left for the schema. */
const withOverride = (tree: unknown, path: readonly string[], value: unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return value
  const map = isRecord(tree) ? tree : {}
  return { ...map, [key]: withOverride(map[key], rest, value) }
}

const toConfig = (yaml: SluiceYaml, repositoryBase: string, stateBase: string): SluiceConfig => {
  const replicas = yaml.server.replicas === 'auto' ? replicasFor() : yaml.server.replicas
  const threads = yaml.server.threads === 'auto' ? threadsFor(replicas) : yaml.server.threads
  return {
    modelRepository: resolve(repositoryBase, yaml.model_repository),
    defaultEndpoint: yaml.default_endpoint,
    stateDir: resolve(stateBase, yaml.state_dir),
    modelControlMode: yaml.model_control_mode,
    server: {
      host: yaml.server.host,
      httpPort: yaml.server.http_port,
      http: yaml.server.http,
      threads,
      replicas,
      drainSecondsMax: yaml.server.drain_seconds_max,
    },
    control: yaml.control,
    controlAbsenceMax: yaml.control_absence_max,
    limits: {
      bodyBytesMax: yaml.limits.body_bytes_max,
      bodyBytesInFlightMax: yaml.limits.body_bytes_in_flight_max,
      jsonDepthMax: yaml.limits.json_depth_max,
      headerBytesMax: yaml.limits.header_bytes_max,
      queueRowsMax: yaml.limits.queue_rows_max,
    },
    proving: {
      timeoutSeconds: yaml.proving.timeout_seconds,
      memoryBytesMax: yaml.proving.memory_bytes_max,
      rowsMax: yaml.proving.rows_max,
    },
    watchdog: {
      reportSeconds: yaml.watchdog.report_seconds,
      idleSecondsMax: yaml.watchdog.idle_seconds_max,
      executionTimeoutSeconds: yaml.watchdog.execution_timeout_seconds,
      loadSecondsMax: yaml.watchdog.load_seconds_max,
    },
    log: yaml.log,
  }
}

/** Design §3: one replica on up to four cores, else two. */
const replicasFor = (): number => (availableParallelism() <= 4 ? 1 : 2)

const threadsFor = (replicas: number): number =>
  Math.max(1, Math.floor((availableParallelism() - 1) / replicas))

const deepFreeze = <T extends object>(value: T): T => {
  for (const child of Object.values(value)) if (isRecord(child)) deepFreeze(child)
  return Object.freeze(value)
}

/** What the schema cannot see: keys that contradict each other. */
const contradictions = (yaml: SluiceYaml, locate: YamlText['locate']): ConfigProblem[] => {
  const problems: ConfigProblem[] = []
  const { body_bytes_max, body_bytes_in_flight_max } = yaml.limits
  if (body_bytes_in_flight_max < body_bytes_max) {
    const path = ['limits', 'body_bytes_in_flight_max']
    const message = `Is ${body_bytes_in_flight_max}, less than limits.body_bytes_max (${body_bytes_max})`
    const hint = 'one body of the largest size must fit'
    problems.push({ ...locate(path), path: path.join('.'), message, hint })
  }
  if (yaml.server.http_port !== 0 && yaml.server.http_port === yaml.control.port) {
    const path = ['control', 'port']
    const message = `Is ${yaml.control.port}, the same as server.http_port`
    problems.push({ ...locate(path), path: path.join('.'), message, hint: 'choose another port' })
  }
  return problems
}

/** Reads, merges and checks everything. Problems come all at once, with their places. */
export const loadConfig = ({ file, flags, env, cwd }: LoadOptions): LoadResult => {
  const named = file ?? env['SLUICE_CONFIG']
  const path = resolve(cwd, named ?? 'sluice.yaml')
  const text = readFile(path, named === undefined)
  const jsonSchema = sluiceSchema.toJSONSchema({ io: 'input' }) as JsonSchema
  const environment = environmentOverrides(env, jsonSchema)
  const overrides = [...environment.overrides, ...flagOverrides(flags, jsonSchema)]
  const early = [...text.problems, ...environment.problems]
  if (text.problems.length > 0) return { problems: early }
  const locate = locateWith(overrides, text)
  const tree = overrides.reduce<unknown>(
    (merged, { path: at, value }) => withOverride(merged, at, value),
    text.value,
  )
  const parsed = sluiceSchema.safeParse(tree)
  if (!parsed.success) {
    const problems = problemsOf(parsed.error, sluiceSchema, locate)
    return { problems: [...early, ...problems.map(withHint)] }
  }
  const late = [...early, ...contradictions(parsed.data, locate)]
  if (late.length > 0) return { problems: late }
  const baseOf = (key: string) =>
    overrides.some((override) => override.path[0] === key) || text === NO_FILE ? cwd : dirname(path)
  const config = toConfig(parsed.data, baseOf('model_repository'), baseOf('state_dir'))
  return { config: deepFreeze(config), file: text === NO_FILE ? null : path }
}

const locateWith =
  (overrides: readonly Override[], text: YamlText): YamlText['locate'] =>
  (path) => {
    const last = overrides.findLast((each) => each.path.join('.') === path.map(String).join('.'))
    return last === undefined ? text.locate(path) : { source: last.source, line: 0, column: 0 }
  }

const withHint = (problem: ConfigProblem): ConfigProblem =>
  problem.path === 'model_repository' && problem.hint === null
    ? { ...problem, hint: 'give --model-repository DIR, or the key in sluice.yaml' }
    : problem
