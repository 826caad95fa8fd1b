/** The files of a model repository, from text to plain data. Refused, never thrown. */

import { z } from 'zod'
import type { ErrorCode } from '../shared/errors.ts'
import type { ExampleRow, Manifest, ManifestFeature } from '../shared/manifest.ts'
import type { ConfigProblem, FileRefusal, ModelConfig, Place } from './config.ts'
import { jsonFault, jsonPlaces, placeAt } from './json-text.ts'
import { DEFAULT_MODEL_CONFIG } from './model-defaults.ts'
import { modelConfigOf } from './model-yaml.ts'
import { type Locate, problemsOf, refuseFile, wrongPaths } from './problems.ts'
import { toJsonSchema, withoutEmptySections } from './schema-text.ts'
import { FORMAT_VERSION } from './schemas/file-format.ts'
import { manifestSchema } from './schemas/manifest.ts'
import { modelSchema } from './schemas/model.ts'
import { profileSchema } from './schemas/profile.ts'
import { parseTritonConfig } from './triton-config.ts'
import { parseYaml } from './yaml-file.ts'

/** What serving needs of profile.json. */
interface Profile {
  readonly versionDigest: string
  readonly exampleRow: ExampleRow
  readonly features: z.output<typeof profileSchema>['features']
}

const problemAt = (source: string, place: Place, message: string): ConfigProblem => ({
  source,
  ...place,
  path: '',
  message,
  hint: null,
})

/** What stands where text ends to be JSON; never the text itself, which may be of another file. */
const syntaxReason = (text: string, offset: number): string => {
  const rest = text.slice(offset, offset + 10)
  if (rest === '') return 'it ends too early'
  if (/^-?(NaN|Infinity)/.test(rest)) return 'NaN and Infinity are no JSON; write null'
  if (/^[}\]]/.test(rest)) return 'a comma too many, or a value is missing'
  if (/^(\/[/*]|#)/.test(rest)) return 'JSON has no comments'
  return 'an unexpected character'
}

const parseJson = <T extends z.ZodType>(
  bytes: Uint8Array,
  schema: T,
  code: ErrorCode,
  name: string,
): { data: z.output<T> } | FileRefusal => {
  const fault = (place: Place, message: string) =>
    refuseFile(code, [problemAt(name, place, message)])
  let value: unknown
  let text = ''
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = JSON.parse(text)
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) return fault(START, 'Is not JSON: it is not UTF-8')
    const offset = jsonFault(text) ?? 0
    return fault(placeAt(text, offset), `Is not JSON: ${syntaxReason(text, offset)}`)
  }
  const version = (value as { format?: { version?: unknown } } | null)?.format?.version
  if (typeof version === 'number' && version > FORMAT_VERSION) {
    const message = `has format version ${version}; this release reads version ${FORMAT_VERSION}`
    return fault(jsonPlaces(text, [VERSION_PATH])(VERSION_PATH), message)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return { data: parsed.data }
  const places = jsonPlaces(text, wrongPaths(parsed.error))
  const locate: Locate = (path) => ({ source: name, ...places(path) })
  return refuseFile(code, problemsOf(parsed.error, schema, value, { locate }))
}

const START: Place = { line: 1, column: 1 }
const VERSION_PATH = ['format', 'version']

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
const parseManifest = (bytes: Uint8Array): Manifest | FileRefusal => {
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
const parseProfile = (bytes: Uint8Array): Profile | FileRefusal => {
  const parsed = parseJson(bytes, profileSchema, 'MANIFEST_INVALID', 'profile.json')
  if ('code' in parsed) return parsed
  const { version_digest: versionDigest, example_row: exampleRow, features } = parsed.data
  return { versionDigest, exampleRow, features }
}

/** model.yaml. */
const parseModelConfig = (bytes: Uint8Array): ModelConfig | FileRefusal => {
  const text = parseYaml(bytes, 'model.yaml')
  const value = withoutEmptySections(text.value, toJsonSchema(modelSchema))
  const parsed = modelSchema.safeParse(value)
  const problems =
    text.problems.length > 0 || parsed.success
      ? text.problems
      : problemsOf(parsed.error, modelSchema, value, { locate: text.locate })
  if (problems.length > 0 || !parsed.success) {
    return refuseFile('MODEL_CONFIG_INVALID', problems)
  }
  return modelConfigOf(parsed.data)
}

const ALIAS = /^[a-z0-9][a-z0-9._-]{0,63}$/i

const aliasesSchema = z.record(
  z.string().refine((name) => ALIAS.test(name), 'is no name of letters, digits, dots and dashes'),
  z.int().min(1),
)

/** aliases.json: `{"champion": 3}`. */
const parseAliases = (bytes: Uint8Array): Record<string, number> | FileRefusal => {
  const parsed = parseJson(bytes, aliasesSchema, 'MODEL_CONFIG_INVALID', 'aliases.json')
  return 'data' in parsed ? parsed.data : parsed
}

/** What `registry/folder.ts` reads a repository with. */
export const repositoryParsers = {
  defaultConfig: DEFAULT_MODEL_CONFIG,
  parseManifest,
  parseProfile,
  parseModelConfig,
  parseTritonConfig,
  parseAliases,
}
