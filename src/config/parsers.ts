/** The files of a model repository, from text to plain data. Refused, never thrown. */

import { z } from 'zod'
import { type ErrorCode, type Refusal, refuse } from '../shared/errors.ts'
import type { Manifest, ManifestFeature } from '../shared/manifest.ts'
import type { ConfigProblem, ModelConfig } from './config.ts'
import { formatProblem, problemsOf } from './problems.ts'
import { toJsonSchema, withoutEmptySections } from './schema-text.ts'
import { FORMAT_VERSION } from './schemas/file-format.ts'
import { manifestSchema } from './schemas/manifest.ts'
import { modelSchema } from './schemas/model.ts'
import { profileSchema } from './schemas/profile.ts'
import { parseYaml } from './yaml-file.ts'

/** What serving needs of profile.json. */
interface Profile {
  readonly versionDigest: string
  readonly exampleRow: Readonly<Record<string, number | string | boolean | null>>
}

const DEFAULT_MODEL_CONFIG: ModelConfig = {
  maxBatchSize: null,
  maxQueueDelayUs: 0,
  preferredBatchSize: [],
}

const PROBLEMS_SHOWN_MAX = 5

/** `digest: is no SHA-256 ...; features.0.type: got "int"; wanted ...` */
const sentence = (problems: readonly ConfigProblem[]): string => {
  const shown = problems
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  const more = problems.length - shown.length
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '')
}

/** What is wrong with JSON text: the place, never the text itself. */
const syntaxReason = ({ message }: SyntaxError, text: string): string => {
  if (/[:[,]\s*-?(NaN|Infinity)\b/.test(text)) return 'NaN and Infinity are no JSON; write null'
  if (message.includes('end of JSON input')) return 'it ends too early'
  return (
    /at position \d+( \(line \d+ column \d+\))?/.exec(message)?.[0] ?? 'an unexpected character'
  )
}

const parseJson = <T extends z.ZodType>(
  bytes: Uint8Array,
  schema: T,
  code: ErrorCode,
  name: string,
): { data: z.output<T> } | Refusal => {
  let value: unknown
  let text = ''
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = JSON.parse(text)
  } catch (thrown) {
    const reason = thrown instanceof SyntaxError ? syntaxReason(thrown, text) : 'it is not UTF-8'
    return refuse(code, `${name} is not JSON: ${reason}`)
  }
  const version = (value as { format?: { version?: unknown } } | null)?.format?.version
  if (typeof version === 'number' && version > FORMAT_VERSION) {
    const detail = `${name} has format version ${version}; this release reads version ${FORMAT_VERSION}`
    return refuse(code, detail)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return { data: parsed.data }
  const locate = () => ({ source: name, line: 0, column: 0 })
  return refuse(code, `${name}: ${sentence(problemsOf(parsed.error, schema, value, { locate }))}`)
}

type ParsedFeature = z.output<typeof manifestSchema>['features'][number]

const featureOf = (parsed: ParsedFeature): ManifestFeature => {
  const { name, type, tensor, column, optional, missing, vocabulary, importance } = parsed
  const isText = type === 'category' && vocabulary === undefined
  return {
    name,
    type,
    tensor,
    column,
    optional,
    missing: missing ?? (isText ? '' : Number.NaN),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(importance === undefined ? {} : { importance }),
  }
}

/** manifest.json v1 (design §5). */
const parseManifest = (bytes: Uint8Array): Manifest | Refusal => {
  const parsed = parseJson(bytes, manifestSchema, 'MANIFEST_INVALID', 'manifest.json')
  if ('code' in parsed) return parsed
  const { digest, signature, features, task, score, label } = parsed.data
  const { classes, positive_class, threshold } = parsed.data
  return {
    digest,
    features: features.map(featureOf),
    task,
    ...(signature === undefined ? {} : { signature }),
    ...(score === undefined ? {} : { score }),
    ...(label === undefined ? {} : { label }),
    ...(classes === undefined ? {} : { classes }),
    ...(positive_class === undefined ? {} : { positiveClass: positive_class }),
    ...(threshold === undefined || threshold === null ? {} : { threshold }),
  }
}

/** profile.json v1 (design §5). */
const parseProfile = (bytes: Uint8Array): Profile | Refusal => {
  const parsed = parseJson(bytes, profileSchema, 'MANIFEST_INVALID', 'profile.json')
  if ('code' in parsed) return parsed
  return { versionDigest: parsed.data.version_digest, exampleRow: parsed.data.example_row }
}

/** model.yaml. */
const parseModelConfig = (bytes: Uint8Array): ModelConfig | Refusal => {
  const text = parseYaml(bytes, 'model.yaml')
  const value = withoutEmptySections(text.value, toJsonSchema(modelSchema))
  const parsed = modelSchema.safeParse(value)
  const problems =
    text.problems.length > 0 || parsed.success
      ? text.problems
      : problemsOf(parsed.error, modelSchema, value, { locate: text.locate })
  if (problems.length > 0 || !parsed.success) {
    return refuse('MODEL_CONFIG_INVALID', problems.map(formatProblem).join('; '))
  }
  const { max_batch_size, dynamic_batching } = parsed.data
  return {
    maxBatchSize: max_batch_size,
    maxQueueDelayUs: dynamic_batching.max_queue_delay_microseconds,
    preferredBatchSize: dynamic_batching.preferred_batch_size,
  }
}

const ALIAS = /^[a-z0-9][a-z0-9._-]{0,63}$/i

const aliasesSchema = z.record(
  z.string().refine((name) => ALIAS.test(name), 'is no name of letters, digits, dots and dashes'),
  z.int().min(1),
)

/** aliases.json: `{"champion": 3}`. */
const parseAliases = (bytes: Uint8Array): Record<string, number> | Refusal => {
  const parsed = parseJson(bytes, aliasesSchema, 'MODEL_CONFIG_INVALID', 'aliases.json')
  return 'data' in parsed ? parsed.data : parsed
}

/** What `registry/folder.ts` reads a repository with. */
export const repositoryParsers = {
  defaultConfig: DEFAULT_MODEL_CONFIG,
  parseManifest,
  parseProfile,
  parseModelConfig,
  parseAliases,
}
