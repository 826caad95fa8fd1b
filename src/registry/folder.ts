/**
 * A model repository on disk (Triton's tree): what is there, without judging the models. Stateless:
 * every scan is complete, and what has gone is simply not in it.
 */

import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { ModelConfig } from '../config/config.ts'
import { GatewayError, type Refusal, refuse } from '../shared/errors.ts'
import { isModelName, parseVersion } from '../shared/ids.ts'
import type { Manifest } from '../shared/manifest.ts'

export interface ScannedVersion {
  readonly version: number
  readonly folder: string
  readonly modelFile: string
  readonly manifest: Manifest | null
  readonly exampleRow: Readonly<Record<string, number | string | boolean | null>> | null
  /** Why the version cannot even be tried; null when it can. */
  readonly fault: Refusal | null
}

export interface ScannedModel {
  readonly name: string
  readonly aliases: Readonly<Record<string, number>>
  readonly config: ModelConfig
  /** Ascending. */
  readonly versions: readonly ScannedVersion[]
  /** Faults beside single versions: names that are no versions, aliases to nowhere. */
  readonly faults: readonly Refusal[]
  /** aliases.json or model.yaml cannot be read: what was known of the model before should stay. */
  readonly isBroken: boolean
}

export interface RepositoryScan {
  readonly models: readonly ScannedModel[]
  readonly faults: readonly Refusal[]
}

/** How the files of a repository are read; `config/parsers.ts` in production. */
export interface RepositoryParsers {
  readonly defaultConfig: ModelConfig
  parseManifest(bytes: Uint8Array): Manifest | Refusal
  parseProfile(
    bytes: Uint8Array,
  ): { versionDigest: string; exampleRow: ScannedVersion['exampleRow'] } | Refusal
  parseModelConfig(bytes: Uint8Array): ModelConfig | Refusal
  parseAliases(bytes: Uint8Array): Record<string, number> | Refusal
}

/** manifest.json and profile.json may be long (vocabularies, grids), but not without bound. */
const FILE_BYTES_MAX = 64 * 1024 * 1024

type Read = { bytes: Uint8Array } | { fault: Refusal } | null

/** A file's bytes, null when it does not exist. */
const readOptional = (file: string, name: string): Read => {
  try {
    if (statSync(file).size > FILE_BYTES_MAX) {
      return { fault: refuse('MANIFEST_INVALID', `${name} exceeds ${FILE_BYTES_MAX} bytes`) }
    }
    return { bytes: readFileSync(file) }
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return null
    return { fault: refuse('MANIFEST_INVALID', `${name} cannot be read (${code})`) }
  }
}

const parseOptional = <T extends object>(
  read: Read,
  parse: (bytes: Uint8Array) => T | Refusal,
): T | Refusal | null => (read === null ? null : 'fault' in read ? read.fault : parse(read.bytes))

const isRefusal = (value: object | null): value is Refusal => value !== null && 'detail' in value

/** Names that editors, copies in progress and file systems leave about. */
const isIgnored = (name: string): boolean =>
  name.startsWith('.') || name.startsWith('_') || name.endsWith('~') || name.endsWith('.tmp')

/** Whether the real place of a path lies within the repository: a link must not lead out of it. */
const isWithin = (root: string, path: string): boolean => {
  try {
    const way = relative(root, realpathSync(path))
    return way !== '' && !way.startsWith('..')
  } catch {
    return false
  }
}

const scanVersion = (
  root: string,
  folder: string,
  version: number,
  parsers: RepositoryParsers,
): ScannedVersion => {
  const modelFile = join(folder, 'model.onnx')
  const bare = { version, folder, modelFile, manifest: null, exampleRow: null }
  const failed = (fault: Refusal): ScannedVersion => ({ ...bare, fault })
  if (!isWithin(root, folder) || !isWithin(root, modelFile)) {
    const exists = readOptionalStat(modelFile)
    return failed(
      exists
        ? refuse('MODEL_UNSAFE', 'The version lies outside the repository, behind a link')
        : refuse('MODEL_INVALID', 'The folder holds no model.onnx'),
    )
  }
  const manifest = parseOptional(
    readOptional(join(folder, 'manifest.json'), 'manifest.json'),
    parsers.parseManifest,
  )
  if (isRefusal(manifest)) return failed(manifest)
  const profile = parseOptional(
    readOptional(join(folder, 'profile.json'), 'profile.json'),
    parsers.parseProfile,
  )
  if (isRefusal(profile)) return failed(profile)
  if (profile !== null && manifest !== null && profile.versionDigest !== manifest.digest) {
    return failed(refuse('DIGEST_MISMATCH', 'profile.json was made for another model.onnx'))
  }
  return { ...bare, manifest, exampleRow: profile?.exampleRow ?? null, fault: null }
}

const readOptionalStat = (file: string): boolean => {
  try {
    return lstatSync(file) !== undefined
  } catch {
    return false
  }
}

const scanModel = (root: string, name: string, parsers: RepositoryParsers): ScannedModel => {
  const folder = join(root, name)
  const faults: Refusal[] = []
  const keep = <T extends object>(value: T | Refusal | null, instead: T): T => {
    if (isRefusal(value)) faults.push(value)
    return value === null || isRefusal(value) ? instead : value
  }
  const configFile = readOptional(join(folder, 'model.yaml'), 'model.yaml')
  const parsedConfig = parseOptional(configFile, parsers.parseModelConfig)
  const config = keep(parsedConfig, parsers.defaultConfig)
  const aliasFile = readOptional(join(folder, 'aliases.json'), 'aliases.json')
  const aliases = keep(parseOptional(aliasFile, parsers.parseAliases), {})
  const versions: ScannedVersion[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (isIgnored(entry.name) || entry.isFile()) continue
    const version = parseVersion(entry.name)
    if (version > 0) versions.push(scanVersion(root, join(folder, entry.name), version, parsers))
    else faults.push(refuse('MODEL_INVALID', `'${entry.name}' is no version: 1, 2, 3 ...`))
  }
  // A model whose settings cannot be read is not served with settings that nobody chose.
  const broken = isRefusal(parsedConfig) ? parsedConfig : null
  const sound = versions.map((each) => (broken === null ? each : { ...each, fault: broken }))
  for (const [alias, version] of Object.entries(aliases)) {
    if (versions.some((each) => each.version === version)) continue
    faults.push(refuse('VERSION_NOT_FOUND', `Alias '${alias}' names the absent version ${version}`))
  }
  const isBroken = faults.some(({ code }) => code === 'MODEL_CONFIG_INVALID')
  sound.sort((a, b) => a.version - b.version)
  return { name, aliases, config, versions: sound, faults, isBroken }
}

/** A model whose folder cannot be listed is broken; the others are not its business. */
const scanReadable = (root: string, name: string, parsers: RepositoryParsers): ScannedModel => {
  try {
    return scanModel(root, name, parsers)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
    const faults = [refuse('REPOSITORY_UNREADABLE', `The folder cannot be read (${code})`)]
    const config = parsers.defaultConfig
    return { name, aliases: {}, config, versions: [], faults, isBroken: true }
  }
}

/**
 * Reads a whole repository. Faults of single models and versions are part of the result.
 *
 * @throws GatewayError REPOSITORY_UNREADABLE when the folder itself cannot be read
 */
export const scanRepository = (root: string, parsers: RepositoryParsers): RepositoryScan => {
  const models: ScannedModel[] = []
  const faults: Refusal[] = []
  try {
    const real = realpathSync(root)
    for (const entry of readdirSync(real, { withFileTypes: true })) {
      if (isIgnored(entry.name) || entry.isFile()) continue
      if (!isModelName(entry.name)) {
        faults.push(refuse('MODEL_INVALID', `'${entry.name}' cannot be the name of a model`))
      } else if (!isWithin(real, join(real, entry.name))) {
        faults.push(refuse('MODEL_UNSAFE', `Model '${entry.name}' is a link out of the repository`))
      } else models.push(scanReadable(real, entry.name, parsers))
    }
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
    const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new GatewayError('REPOSITORY_UNREADABLE', `The model repository ${reason}`, {
      cause: thrown,
    })
  }
  models.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { models, faults }
}
