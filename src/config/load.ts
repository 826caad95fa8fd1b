/**
 * sluice.yaml, then variables, then flags -> one frozen config, or everything that is wrong with
 * them. Read once; a reload reads again.
 */

import { readFileSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { ConfigProblem, SluiceConfig } from './config.ts'
import type { Environment } from './environment.ts'
import { environmentOverrides, flagOverrides, type Override } from './overrides.ts'
import { problemsOf } from './problems.ts'
import { resolveConfig } from './resolve.ts'
import { type JsonSchema, leavesOf, toJsonSchema, withoutEmptySections } from './schema-text.ts'
import { contradictionsOf, HINTS, type SluiceYaml, sluiceSchema } from './schemas/sluice.ts'
import { parseYaml, type YamlText } from './yaml-file.ts'

export interface LoadOptions {
  /** `--config`; without it `SLUICE_CONFIG`, then `./sluice.yaml` if it exists. */
  readonly file?: string | undefined
  /** By name without dashes: `http-port`. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly env: Environment
  readonly cwd: string
  /** Default: the processors that this process may use. */
  readonly cores?: number
}

/** One setting, and who set it. */
export interface Setting {
  /** `server.http_port` */
  readonly key: string
  /** As it would be written in sluice.yaml. */
  readonly value: unknown
  /** `sluice.yaml:3:5`, `--http-port`, `SLUICE_SERVER__HTTP_PORT` or `default` */
  readonly origin: string
}

export type LoadResult =
  | {
      readonly config: SluiceConfig
      readonly file: string | null
      readonly settings: readonly Setting[]
    }
  | { readonly problems: readonly ConfigProblem[] }

const NO_FILE: YamlText = {
  value: {},
  problems: [],
  locate: () => ({ source: 'sluice.yaml', line: 0, column: 0 }),
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file',
  ENOTDIR: 'No such file',
  EISDIR: 'Is a folder, not a file',
}

/** Name shown for a file: its last part, since messages are about lines, not folders. */
const readFile = (file: string, isOptional: boolean): YamlText => {
  const source = file.split('/').pop() ?? file
  const failed = (message: string): YamlText => {
    const problem = { source: file, line: 0, column: 0, path: '', message, hint: null }
    return { ...NO_FILE, problems: [problem] }
  }
  try {
    const stat = statSync(file)
    // Reading a pipe or a device might never end.
    if (!stat.isFile() && !stat.isDirectory()) return failed('Is not a file')
    return parseYaml(readFileSync(file), source)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
    if (isOptional && code === 'ENOENT') return NO_FILE
    return failed(REASONS[code] ?? `Cannot be read (${code})`)
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Sets a value at a path in a copy of the tree; a non-map on the way is left for the schema. */
const withOverride = (tree: unknown, path: readonly string[], value: unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (tree !== undefined && !isRecord(tree)) return tree
  return { ...tree, [key]: withOverride(tree?.[key], rest, value) }
}

const deepFreeze = <T extends object>(value: T): T => {
  for (const child of Object.values(value)) if (isRecord(child)) deepFreeze(child)
  return Object.freeze(value)
}

const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.')

/** What a value came from: an override of exactly this key, else the file. */
const locateWith =
  (overrides: readonly Override[], text: YamlText): YamlText['locate'] =>
  (path) => {
    const last = overrides.findLast((each) => dotted(each.path) === dotted(path))
    return last === undefined ? text.locate(path) : { source: last.source, line: 0, column: 0 }
  }

const settingsOf = (
  yaml: SluiceYaml,
  written: unknown,
  json: JsonSchema,
  locate: YamlText['locate'],
): Setting[] => {
  const at = (tree: unknown, path: readonly string[]) =>
    path.reduce<unknown>((value, key) => (isRecord(value) ? value[key] : undefined), tree)
  return leavesOf(json).map(({ path }) => {
    const { source, line, column } = locate(path)
    const place = line > 0 ? `${source}:${line}:${column}` : source
    const origin = at(written, path) === undefined ? 'default' : place
    return { key: dotted(path), value: at(yaml, path), origin }
  })
}

/** Reads, merges and checks everything. Problems come all at once, with their places. */
export const loadConfig = ({ file, flags, env, cwd, cores }: LoadOptions): LoadResult => {
  const named = file ?? (env['SLUICE_CONFIG'] || undefined)
  const path = resolve(cwd, named ?? 'sluice.yaml')
  const text = readFile(path, named === undefined)
  const json = toJsonSchema(sluiceSchema)
  const environment = environmentOverrides(env, json)
  const overrides = [...environment.overrides, ...flagOverrides(flags, json)]
  const early = [...text.problems, ...environment.problems]
  if (text.problems.length > 0) return { problems: early }
  const locate = locateWith(overrides, text)
  const tree = overrides.reduce<unknown>(
    (merged, { path: at, value }) => withOverride(merged, at, value),
    withoutEmptySections(text.value, json),
  )
  const parsed = sluiceSchema.safeParse(tree)
  if (!parsed.success) {
    const problems = problemsOf(parsed.error, sluiceSchema, tree, { locate, hints: HINTS })
    return { problems: [...early, ...problems] }
  }
  const contradictions = contradictionsOf(parsed.data).map(({ path: at, ...rest }) => ({
    ...locate(at),
    path: dotted(at),
    ...rest,
  }))
  if (early.length + contradictions.length > 0) return { problems: [...early, ...contradictions] }
  const baseOf = (key: string) =>
    overrides.some((override) => override.path[0] === key) || text === NO_FILE ? cwd : dirname(path)
  const config = resolveConfig(parsed.data, {
    cores: cores ?? availableParallelism(),
    repositoryBase: baseOf('model_repository'),
    stateBase: baseOf('state_dir'),
  })
  const settings = settingsOf(parsed.data, tree, json, locate)
  return { config: deepFreeze(config), file: text === NO_FILE ? null : path, settings }
}
