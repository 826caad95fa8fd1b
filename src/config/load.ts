/**
 * sluice.yaml, then variables, then flags -> one frozen config, or everything that is wrong with
 * them. Read once; a reload reads again.
 */

import { readFileSync, statSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { isFields } from '../shared/fields.ts'
import type { ConfigProblem, SluiceConfig } from './config.ts'
import type { Environment } from './environment.ts'
import { type KeysFile, readKeysFile } from './keys-file.ts'
import { environmentOverrides, flagOverrides, type Override } from './overrides.ts'
import { dotted, inOrder, type Locate, problemsOf, wrongPaths } from './problems.ts'
import { recordKeyIn } from './record-key-file.ts'
import { resolveConfig } from './resolve.ts'
import { toJsonSchema, withoutEmptySections } from './schema-text.ts'
import { apiKeys } from './schemas/api-keys.ts'
import { contradictionsOf } from './schemas/contradictions.ts'
import { HINTS, type SluiceYaml, sluiceSchema } from './schemas/sluice.ts'
import { readTracing } from './tracing.ts'
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
  /** Default: what this process may use of the machine. */
  readonly memoryBytes?: number
}

export interface Loaded {
  readonly config: SluiceConfig
  /** Where a setting comes from: line of the file, flag or variable. */
  readonly locate: Locate
  /** What is wrong with variables of other programs too, and keeps nothing from starting. */
  readonly warnings: readonly ConfigProblem[]
}

interface Faulty {
  /** Those of the file in the order of its lines, then those of variables and flags. */
  readonly problems: readonly ConfigProblem[]
  /** With defaults for what is wrong, to look at what else is; null without a repository. */
  readonly rest: Loaded | null
}

export type LoadResult = Loaded | Faulty

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file',
  ENOTDIR: 'No such file',
  EISDIR: 'Is a folder, not a file',
}

interface ConfigFile extends YamlText {
  /** Folder that relative paths in it start from; null without a file. */
  readonly folder: string | null
}

/** The file that is named, or the one in the working folder, if there is one. */
const readFile = ({ file, env, cwd }: LoadOptions): ConfigFile => {
  const ofVariable = env['SLUICE_CONFIG'] || undefined
  const named = file ?? ofVariable
  const source = named ?? 'sluice.yaml'
  const path = resolve(cwd, source)
  const nowhere = { source, line: 0, column: 0 }
  const absent = { value: {}, problems: [], locate: () => nowhere, folder: null }
  const failed = (message: string): ConfigFile => {
    const hint = file === undefined && named !== undefined ? 'SLUICE_CONFIG names it' : null
    return { ...absent, problems: [{ ...nowhere, path: '', message, hint }] }
  }
  try {
    const stat = statSync(path)
    // Reading a pipe or a device might never end.
    if (!stat.isFile() && !stat.isDirectory()) return failed('Is not a file')
    return { ...parseYaml(readFileSync(path), source), folder: dirname(path) }
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
    if (named === undefined && code === 'ENOENT') return absent
    return failed(REASONS[code] ?? `Cannot be read (${code})`)
  }
}

/** Sets a value at a path in a copy of the tree; a non-map on the way is left for the schema. */
const withOverride = (tree: unknown, path: readonly string[], value: unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return value
  if (tree !== undefined && !isFields(tree)) return tree
  return { ...tree, [key]: withOverride(tree?.[key], rest, value) }
}

/** A copy without the value at a path. */
const withoutPath = (tree: unknown, [key, ...rest]: readonly PropertyKey[]): unknown => {
  if (key === undefined || !isFields(tree)) return {}
  const { [String(key)]: child, ...others } = tree
  return rest.length === 0 ? others : { ...others, [key]: withoutPath(child, rest) }
}

const deepFreeze = <T extends object>(value: T): T => {
  for (const child of Object.values(value)) if (isFields(child)) deepFreeze(child)
  return Object.freeze(value)
}

/** What a value came from: an override of exactly this key, else the file. */
const locateWith =
  (overrides: readonly Override[], text: YamlText): Locate =>
  (path) => {
    const last = overrides.findLast((each) => dotted(each.path) === dotted(path))
    return last === undefined ? text.locate(path) : { source: last.source, line: 0, column: 0 }
  }

interface Judgement {
  readonly problems: readonly ConfigProblem[]
  /** With defaults for what is wrong; null where the repository is. */
  readonly yaml: SluiceYaml | null
}

/** Whether one path leads to the other, or further down. */
const isWithin = (path: readonly PropertyKey[], other: readonly PropertyKey[]): boolean =>
  other.every((key, i) => path[i] === key)

/** Everything that is wrong with a tree: what one value shows, then what sound ones contradict. */
const judge = (tree: unknown, locate: Locate): Judgement => {
  const parsed = sluiceSchema.safeParse(tree)
  const wrong = parsed.success ? [] : wrongPaths(parsed.error)
  const problems = parsed.success
    ? []
    : problemsOf(parsed.error, sluiceSchema, tree, { locate, hints: HINTS })
  const isRepositoryWrong = wrong.some((path) => isWithin(['model_repository'], path))
  const sound = wrong.reduce(withoutPath, tree)
  const repaired = sluiceSchema.safeParse(
    isRepositoryWrong ? withOverride(sound, ['model_repository'], '.') : sound,
  )
  if (!repaired.success) return { problems, yaml: null }
  const contradictions = contradictionsOf(repaired.data)
    .filter(({ involves }) => !involves.some((key) => wrong.some((path) => isWithin(key, path))))
    .map(({ path, message, hint }) => ({ ...locate(path), path: dotted(path), message, hint }))
  return {
    problems: [...problems, ...contradictions],
    yaml: isRepositoryWrong ? null : repaired.data,
  }
}

/** Keys of the config and of the file that it names. */
const allKeys = (yaml: SluiceYaml | null, base: string, locate: Locate): KeysFile => {
  const { keys = [], keys_file: file = null } = yaml?.access ?? {}
  if (file === null) return { keys, problems: [] }
  const setting = locate(['access', 'keys_file'])
  const read = readKeysFile(resolve(base, file), file, setting)
  const all = [...keys, ...read.keys]
  const together = apiKeys.safeParse(all)
  if (together.success) return { keys: all, problems: read.problems }
  const message = together.error.issues.map((issue) => issue.message).join('; ')
  const path = 'access.keys_file'
  const hint = 'together with those of `access.keys`'
  return { keys, problems: [...read.problems, { ...setting, path, message, hint }] }
}

const keyOfRecords = (yaml: SluiceYaml | null, base: string, locate: Locate) => {
  const file = yaml?.records.hmac_key_file ?? null
  if (file === null) return { id: null, problems: [] }
  return recordKeyIn(resolve(base, file), file, locate(['records', 'hmac_key_file']))
}

/** A container may have less than its machine; without a limit the system says 0 or more. */
const usableMemory = (): number => {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

/** Reads, merges and checks everything. Problems come all at once, with their places. */
export const loadConfig = (options: LoadOptions): LoadResult => {
  const { flags, env, cwd, cores = availableParallelism() } = options
  const { memoryBytes = usableMemory() } = options
  const text = readFile(options)
  const json = toJsonSchema(sluiceSchema)
  const variables = environmentOverrides(env, json)
  const overrides = [...variables.overrides, ...flagOverrides(flags, json)]
  const locate = locateWith(overrides, text)
  const isReadable = text.problems.length === 0
  const tree = overrides.reduce<unknown>(
    (merged, { path, value }) => withOverride(merged, path, value),
    isReadable ? withoutEmptySections(text.value, json) : {},
  )
  const judged = judge(tree, locate)
  // Of a file that cannot be read it is not known what it lacks: only overrides are judged.
  const isKnown = ({ source }: ConfigProblem) =>
    isReadable || overrides.some((override) => override.source === source)
  const baseOf = (...key: readonly string[]): string =>
    overrides.some(({ path }) => dotted(path) === dotted(key)) ? cwd : (text.folder ?? cwd)
  const accessBase = baseOf('access', 'keys_file')
  const keys = allKeys(judged.yaml, accessBase, locate)
  const hmacKeyBase = baseOf('records', 'hmac_key_file')
  const recordKey = keyOfRecords(judged.yaml, hmacKeyBase, locate)
  const { tracing, problems: warnings } = readTracing(env)
  const problems = [
    ...text.problems,
    ...variables.problems,
    ...judged.problems.filter(isKnown),
    ...keys.problems,
    ...recordKey.problems,
  ]
  const loaded: Loaded | null = judged.yaml && {
    config: deepFreeze(
      resolveConfig(judged.yaml, {
        cores,
        memoryBytes,
        repositoryBase: baseOf('model_repository'),
        stateBase: baseOf('state_dir'),
        accessBase,
        tlsBase: baseOf('tls', 'cert_file'),
        clientCaBase: baseOf('grpc', 'client_ca_file'),
        recordsBase: baseOf('records', 'path'),
        hmacKeyBase,
        hmacKeyId: recordKey.id,
        keys: keys.keys,
        tracing,
      }),
    ),
    locate,
    warnings,
  }
  return problems.length === 0 && loaded !== null
    ? loaded
    : { problems: inOrder(problems), rest: loaded }
}
