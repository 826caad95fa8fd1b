/**
 * A model repository on disk (Triton's tree): what is there, without judging the models. Stateless:
 * every scan is complete, and what has gone is simply not in it.
 */

import { type Dirent, readdirSync, realpathSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { FileRefusal, ModelConfig } from '../config/config.ts'
import { type Refusal, refuse } from '../shared/errors.ts'
import { isModelName, parseVersion } from '../shared/ids.ts'
import type { ExampleRow, Manifest } from '../shared/manifest.ts'
import type { FeatureBounds } from '../shared/profile.ts'
import { exampleRowFault } from './example-row.ts'
import { ALIASES_FILE, isIgnored, OWN_FILE, TRITON_FILE } from './names.ts'
import { boundsOf, type ProfiledFeature } from './profile-bounds.ts'
import { checkPlace, isFile, readOptional, unreadable } from './repository-file.ts'

/** What is wrong, and with which file or folder. */
export interface RepositoryFault extends Refusal {
  /** Relative to the repository. */
  readonly file?: string
  /** The value within the file, where there is one. */
  readonly path?: readonly string[]
  /** Every single thing that is wrong with the file. */
  readonly problems?: FileRefusal['problems']
  /** It works, but probably not as somebody meant it to. */
  readonly isWarning?: true
}

export interface ScannedVersion {
  readonly version: number
  readonly folder: string
  readonly modelFile: string
  readonly manifest: Manifest | null
  /** Of the profile; null without one, or without a manifest, whose features it fills. */
  readonly exampleRow: ExampleRow | null
  /** Of the profile, for the features of the manifest; empty without either. */
  readonly bounds: readonly FeatureBounds[]
  /** Why the version cannot even be tried; null when it can. */
  readonly fault: RepositoryFault | null
  /** What its files looked like before they were read (`FileStamp`); absent: nobody looked. */
  readonly stamp?: string
}

export interface ScannedModel {
  readonly name: string
  readonly aliases: Readonly<Record<string, number>>
  readonly config: ModelConfig
  /** Ascending. */
  readonly versions: readonly ScannedVersion[]
  /** Faults beside single versions: names that are no versions, aliases to nowhere. */
  readonly faults: readonly RepositoryFault[]
  /** Its settings or aliases cannot be read: what was known of the model before should stay. */
  readonly isBroken: boolean
}

export interface RepositoryScan {
  readonly models: readonly ScannedModel[]
  readonly faults: readonly RepositoryFault[]
}

/** What is needed of profile.json. */
export interface ParsedProfile {
  readonly versionDigest: string
  readonly exampleRow: ExampleRow
  readonly features: readonly ProfiledFeature[]
}

/** How the files of a repository are read; `config/parsers.ts` in production. */
export interface RepositoryParsers {
  readonly defaultConfig: ModelConfig
  parseManifest(bytes: Uint8Array): Manifest | FileRefusal
  parseProfile(bytes: Uint8Array): ParsedProfile | FileRefusal
  parseModelConfig(bytes: Uint8Array): ModelConfig | FileRefusal
  /** `warnings`: what of it is not obeyed. */
  parseTritonConfig(
    bytes: Uint8Array,
    model: string,
  ): { config: ModelConfig; warnings: readonly FileRefusal[] } | FileRefusal
  parseAliases(bytes: Uint8Array): Record<string, number> | FileRefusal
}

/** By the type of `code`: an alias may be called `code`, but it names a number. */
const isRefusal = (value: object | null): value is Refusal =>
  value !== null && 'code' in value && typeof value.code === 'string'

/** Folders, and links to anything but a file: where a link leads is judged later, aloud. */
const isCandidate = (folder: string, entry: Dirent): boolean =>
  !isIgnored(entry.name) &&
  (entry.isDirectory() || (entry.isSymbolicLink() && !isFile(join(folder, entry.name))))

/** Says of every refusal which file it is about. */
const faultsOf =
  (root: string, folder: string) =>
  (name: string, refusal: Refusal, path?: readonly string[]): RepositoryFault => ({
    ...refusal,
    file: relative(root, join(folder, name)),
    ...(path === undefined ? {} : { path }),
  })

const scanVersion = (
  root: string,
  folder: string,
  version: number,
  parsers: RepositoryParsers,
): ScannedVersion => {
  const modelFile = join(folder, 'model.onnx')
  const bare = { version, folder, modelFile, manifest: null, exampleRow: null, bounds: [] }
  const faultOf = faultsOf(root, folder)
  const failed = (...parts: Parameters<typeof faultOf>): ScannedVersion => ({
    ...bare,
    fault: faultOf(...parts),
  })
  const noFolder = checkPlace(root, folder, 'The folder of the version', 'folder')
  if (noFolder !== null) return failed('.', noFolder)
  const noFile = checkPlace(root, modelFile, 'model.onnx', 'file')
  if (noFile !== null) {
    // Triton takes a folder of that name, with the model and its weights.
    const isFolder = noFile.code === 'MODEL_INVALID' && isFile(join(modelFile, 'model.onnx'))
    const detail = `${noFile.detail}, but a folder: put what is in it in its place`
    return failed('model.onnx', isFolder ? { ...noFile, detail } : noFile)
  }
  const code = 'MANIFEST_INVALID'
  const manifest = readOptional(root, folder, {
    name: 'manifest.json',
    code,
    parse: parsers.parseManifest,
  })
  if (isRefusal(manifest)) return failed('manifest.json', manifest)
  const profile = readOptional(root, folder, {
    name: 'profile.json',
    code,
    parse: parsers.parseProfile,
  })
  if (isRefusal(profile)) return failed('profile.json', profile)
  if (profile === null || manifest === null) return { ...bare, manifest, fault: null }
  if (profile.versionDigest !== manifest.digest) {
    const other = refuse('DIGEST_MISMATCH', 'profile.json was made for another model.onnx')
    return failed('profile.json', other, ['version_digest'])
  }
  const { exampleRow, features } = profile
  const fault = exampleRowFault(exampleRow, manifest)
  return fault === null
    ? { ...bare, manifest, exampleRow, bounds: boundsOf(features, manifest.features), fault }
    : failed('profile.json', refuse(code, `profile.json: example_row ${fault}`), ['example_row'])
}

const CODE = 'MODEL_CONFIG_INVALID'

interface Settings {
  readonly config: ModelConfig
  readonly aliases: Readonly<Record<string, number>>
  readonly faults: readonly RepositoryFault[]
  readonly warnings: readonly RepositoryFault[]
}

/** What the files of a model say; for one that cannot be read its default, and a fault. */
const readSettings = (
  root: string,
  folder: string,
  model: string,
  parsers: RepositoryParsers,
): Settings => {
  const faultOf = faultsOf(root, folder)
  const faults: RepositoryFault[] = []
  const read = <T extends object>(name: string, parse: (bytes: Uint8Array) => T | FileRefusal) => {
    const value = readOptional(root, folder, { name, code: CODE, parse })
    if (!isRefusal(value)) return value
    faults.push(faultOf(name, value))
    return null
  }
  const aliases = read(ALIASES_FILE, parsers.parseAliases)
  if ([OWN_FILE, TRITON_FILE].every((name) => isFile(join(folder, name)))) {
    const detail = `There are ${OWN_FILE} and ${TRITON_FILE}; keep the one that counts`
    const both = faultOf(TRITON_FILE, refuse(CODE, detail))
    const config = parsers.defaultConfig
    return { config, aliases: aliases ?? {}, faults: [both, ...faults], warnings: [] }
  }
  const own = read(OWN_FILE, parsers.parseModelConfig)
  const triton = read(TRITON_FILE, (bytes) => parsers.parseTritonConfig(bytes, model))
  const warnings = (triton?.warnings ?? []).map(
    (warning): RepositoryFault => ({ ...faultOf(TRITON_FILE, warning), isWarning: true }),
  )
  const config = own ?? triton?.config ?? parsers.defaultConfig
  return { config, aliases: aliases ?? {}, faults, warnings }
}

/** A model without versions is no fault, but probably not what its author thinks. */
const withoutVersions = (root: string, folder: string): RepositoryFault => {
  const isVersion = isFile(join(folder, 'model.onnx'))
  const more = isVersion ? '; is the repository the folder above?' : ''
  const detail = `holds no version: <model>/<version>/model.onnx is wanted${more}`
  return { ...faultsOf(root, folder)('.', refuse(CODE, detail)), isWarning: true }
}

const scanModel = (root: string, name: string, parsers: RepositoryParsers): ScannedModel => {
  const folder = join(root, name)
  const settings = readSettings(root, folder, name, parsers)
  const { config, aliases } = settings
  const faultOf = faultsOf(root, folder)
  // A model whose settings cannot be read is not served with settings that nobody chose.
  const broken = settings.faults[0] ?? null
  const faults = [...settings.faults, ...settings.warnings]
  const versions: ScannedVersion[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!isCandidate(folder, entry)) continue
    const version = parseVersion(entry.name)
    if (version > 0) {
      const scanned = scanVersion(root, join(folder, entry.name), version, parsers)
      versions.push(broken === null ? scanned : { ...scanned, fault: broken })
      continue
    }
    // Triton has other folders there as well, such as `configs`.
    const detail = `'${entry.name}' is no version: a number from 1, of at most 15 digits`
    faults.push({ ...faultOf(entry.name, refuse('MODEL_INVALID', detail)), isWarning: true })
  }
  const { versionPolicy } = config
  for (const version of versionPolicy.kind === 'specific' ? versionPolicy.versions : []) {
    if (versions.some((each) => each.version === version)) continue
    const detail = `version_policy names the absent version ${version}`
    faults.push({ ...faultOf('.', refuse('VERSION_NOT_FOUND', detail)), isWarning: true })
  }
  for (const [alias, version] of Object.entries(aliases)) {
    if (versions.some((each) => each.version === version)) continue
    const detail = `Alias '${alias}' names the absent version ${version}`
    faults.push(faultOf(ALIASES_FILE, refuse('VERSION_NOT_FOUND', detail), [alias]))
  }
  versions.sort((a, b) => a.version - b.version)
  if (versions.length === 0) faults.push(withoutVersions(root, folder))
  return { name, aliases, config, versions, faults, isBroken: broken !== null }
}

/** A model whose folder cannot be read is broken; the others are not its business. */
const scanReadable = (root: string, name: string, parsers: RepositoryParsers): ScannedModel => {
  const broken = (fault: Refusal): ScannedModel => {
    const config = parsers.defaultConfig
    const faults = [{ ...fault, file: name }]
    return { name, aliases: {}, config, versions: [], faults, isBroken: true }
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
  const faults: RepositoryFault[] = []
  try {
    const real = realpathSync(root)
    for (const entry of readdirSync(real, { withFileTypes: true })) {
      if (!isCandidate(real, entry)) continue
      if (isModelName(entry.name)) models.push(scanReadable(real, entry.name, parsers))
      else {
        const detail = `'${entry.name}' cannot be the name of a model`
        faults.push({ ...refuse('MODEL_INVALID', detail), file: entry.name })
      }
    }
  } catch (thrown) {
    throw unreadable(thrown)
  }
  models.sort((a, b) => (a.name < b.name ? -1 : 1))
  return { models, faults }
}

/**
 * One model of a repository; null when it is not there.
 *
 * @param name one that a model may have (`isModelName`)
 * @throws GatewayError REPOSITORY_UNREADABLE when the repository itself cannot be read
 */
export const scanOneModel = (
  root: string,
  name: string,
  parsers: RepositoryParsers,
): ScannedModel | null => {
  try {
    const real = realpathSync(root)
    const entry = readdirSync(real, { withFileTypes: true }).find((each) => each.name === name)
    return entry === undefined || !isCandidate(real, entry)
      ? null
      : scanReadable(real, name, parsers)
  } catch (thrown) {
    throw unreadable(thrown)
  }
}
