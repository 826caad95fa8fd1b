/** The files of a model repository, from text to plain data. Refused, never thrown. */

import { z } from 'zod'
import { type ErrorCode, type Refusal, refuse } from '../shared/errors.ts'
import type { Manifest, ManifestFeature } from '../shared/manifest.ts'
import type { ModelConfig } from './config.ts'
import { formatProblem, problemsOf } from './problems.ts'
import { manifestSchema, profileSchema } from './schemas/manifest.ts'
import { modelSchema } from './schemas/model.ts'
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

/** `digest: Invalid string; features.0.type: ...` */
const sentence = (error: z.ZodError): string =>
  error.issues
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map(({ path, message }) => `${path.length === 0 ? '' : `${path.join('.')}: `}${message}`)
    .join('; ')

const parseJson = <T extends z.ZodType>(
  bytes: Uint8Array,
  schema: T,
  code: ErrorCode,
  name: string,
): { data: z.output<T> } | Refusal => {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (thrown) {
    const reason = thrown instanceof SyntaxError ? thrown.message : 'not UTF-8'
    return refuse(code, `${name} is not JSON: ${reason}`)
  }
  const version = (value as { format?: { version?: unknown } } | null)?.format?.version
  if (typeof version === 'number' && version > 1) {
    return refuse(code, `${name} has format version ${version}; this release reads version 1`)
  }
  const parsed = schema.safeParse(value)
  return parsed.success ? { data: parsed.data } : refuse(code, `${name}: ${sentence(parsed.error)}`)
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
  const parsed = modelSchema.safeParse(text.value)
  const problems =
    text.problems.length > 0 || parsed.success
      ? text.problems
      : problemsOf(parsed.error, modelSchema, text.locate)
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

const aliasesSchema = z.record(
  z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i, 'an alias is a name'),
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
