/**
 * A model repository on disk (Triton's tree): what is there, without judging the models. Stateless:
 * every scan is complete, and what has gone is simply not in it.
 */

import { type Dirent, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelConfig } from '../config/config.ts'
import { GatewayError, type Refusal, refuse } from '../shared/errors.ts'
import { isModelName, parseVersion } from '../shared/ids.ts'
import type { Manifest } from '../shared/manifest.ts'
import { type ExampleRow, exampleRowFault } from './example-row.ts'
import { checkPlace, isFile, readOptional } from './repository-file.ts'

export interface ScannedVersion {
  readonly version: number
  readonly folder: string
  readonly modelFile: string
  readonly manifest: Manifest | null
  readonly exampleRow: ExampleRow | null
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
  parseProfile(bytes: Uint8Array): { versionDigest: string; exampleRow: ExampleRow } | Refusal
  parseModelConfig(bytes: Uint8Array): ModelConfig | Refusal
  parseAliases(bytes: Uint8Array): Record<string, number> | Refusal
}

/** By the type of `code`: an alias may be called `code`, but it names a number. */
const isRefusal = (value: object | null): value is Refusal =>
  value !== null && 'code' in value && typeof value.code === 'string'

/** Names that editors, copies in progress and file systems leave about. */
const isIgnored = (name: string): boolean =>
  name.startsWith('.') || name.startsWith('_') || name.endsWith('~') || name.endsWith('.tmp')

/** Folders, and links to anything but a file: where a link leads is judged later, aloud. */
const isCandidate = (folder: string, entry: Dirent): boolean =>
  !isIgnored(entry.name) &&
  (entry.isDirectory() || (entry.isSymbolicLink() && !isFile(join(folder, entry.name))))

const scanVersion = (
  root: string,
  folder: string,
  version: number,
  parsers: RepositoryParsers,
): ScannedVersion => {
  const modelFile = join(folder, 'model.onnx')
  const bare = { version, folder, modelFile, manifest: null, exampleRow: null }
  const failed = (fault: Refusal): ScannedVersion => ({ ...bare, fault })
  const misplaced =
    checkPlace(root, folder, 'The folder of the version', 'folder') ??
    checkPlace(root, modelFile, 'model.onnx', 'file')
  if (misplaced !== null) return failed(misplaced)
  const code = 'MANIFEST_INVALID'
  const manifest = readOptional(root, folder, {
    name: 'manifest.json',
    code,
    parse: parsers.parseManifest,
  })
  if (isRefusal(manifest)) return failed(manifest)
  const profile = readOptional(root, folder, {
    name: 'profile.json',
    code,
    parse: parsers.parseProfile,
  })
  if (isRefusal(profile)) return failed(profile)
  if (profile !== null && manifest !== null && profile.versionDigest !== manifest.digest) {
    return failed(refuse('DIGEST_MISMATCH', 'profile.json was made for another model.onnx'))
  }
  const exampleRow = profile?.exampleRow ?? null
  const fault = exampleRow && manifest && exampleRowFault(exampleRow, manifest)
  return fault === null
    ? { ...bare, manifest, exampleRow, fault }
    : failed(refuse(code, `profile.json: example_row ${fault}`))
}

/** A file of a model: what it says, or else `instead` and a fault. */
const readSettings = (
  root: string,
  folder: string,
  parsers: RepositoryParsers,
): { config: ModelConfig; aliases: Record<string, number>; faults: Refusal[] } => {
  const code = 'MODEL_CONFIG_INVALID'
  const config = readOptional(root, folder, {
    name: 'model.yaml',
    code,
    parse: parsers.parseModelConfig,
  })
  const aliases = readOptional(root, folder, {
    name: 'aliases.json',
    code,
    parse: parsers.parseAliases,
  })
  return {
    config: config === null || isRefusal(config) ? parsers.defaultConfig : config,
    aliases: aliases === null || isRefusal(aliases) ? {} : aliases,
    faults: [config, aliases].filter(isRefusal),
  }
}

const scanModel = (root: string, name: string, parsers: RepositoryParsers): ScannedModel => {
  const folder = join(root, name)
  const { config, aliases, faults } = readSettings(root, folder, parsers)
  // A model whose settings cannot be read is not served with settings that nobody chose.
  const broken = faults[0] ?? null
  const versions: ScannedVersion[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!isCandidate(folder, entry)) continue
    const version = parseVersion(entry.name)
    if (version > 0) {
      const scanned = scanVersion(root, join(folder, entry.name), version, parsers)
      versions.push(broken === null ? scanned : { ...scanned, fault: broken })
    } else faults.push(refuse('MODEL_INVALID', `'${entry.name}' is no version: 1, 2, 3 ...`))
  }
  for (const [alias, version] of Object.entries(aliases)) {
    if (versions.some((each) => each.version === version)) continue
    faults.push(refuse('VERSION_NOT_FOUND', `Alias '${alias}' names the absent version ${version}`))
  }
  versions.sort((a, b) => a.version - b.version)
  return { name, aliases, config, versions, faults, isBroken: broken !== null }
}

/** A model whose folder cannot be read is broken; the others are not its business. */
const scanReadable = (root: string, name: string, parsers: RepositoryParsers): ScannedModel => {
  const broken = (fault: Refusal): ScannedModel => {
    const config = parsers.defaultConfig
    return { name, aliases: {}, config, versions: [], faults: [fault], isBroken: true }
  }
  const misplaced = checkPlace(root, join(root, name), 'The folder of the model', 'folder')
  if (misplaced !== null) return broken(misplaced)
  try {
    return scanModel(root, name, parsers)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code
    if (code === undefined) throw thrown
    return broken(refuse('REPOSITORY_UNREADABLE', `The folder cannot be read (${code})`))
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
      if (!isCandidate(real, entry)) continue
      if (isModelName(entry.name)) models.push(scanReadable(real, entry.name, parsers))
      else faults.push(refuse('MODEL_INVALID', `'${entry.name}' cannot be the name of a model`))
    }
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === undefined) throw thrown
    const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`
    throw new GatewayError('REPOSITORY_UNREADABLE', `The model repository ${reason}`, {
      cause: thrown,
    })
  }
  models.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { models, faults }
}
