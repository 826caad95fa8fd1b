/** A repository that is only told of: models, versions and what becomes of whoever tries them. */

import type { VersionPolicy } from '../../src/config/config.ts'
import { repositoryParsers } from '../../src/config/parsers.ts'
import type { Repository } from '../../src/control/repository/repository-reader.ts'
import type { ModelStamp } from '../../src/registry/file-stamps.ts'
import type { RepositoryScan, ScannedModel, ScannedVersion } from '../../src/registry/folder.ts'
import { GatewayError, refuse } from '../../src/shared/errors.ts'
import type { Manifest } from '../../src/shared/manifest.ts'

/**
 * sound. bad: its proving run fails. faulty: its manifest cannot be read. selfish: it cannot keep
 * its own contract. unloadable: replicas cannot prepare it. deadly: it kills a replica that loads
 * it. hanging: a replica that loads it never answers.
 */
export type Nature = 'sound' | 'bad' | 'faulty' | 'selfish' | 'unloadable' | 'deadly' | 'hanging'

interface ToldVersion {
  readonly nature: Nature
  /** Wall clock: when its files last changed. */
  readonly changedMs: number
  /** Another content, another digest. */
  readonly content: number
}

export interface ToldModel {
  policy: VersionPolicy
  champion: number | null
  readonly versions: Map<number, ToldVersion>
  isBroken: boolean
}

const CONFIG = repositoryParsers.defaultConfig

/** Its one feature feeds an input that is not there. */
const SELFISH: Manifest = {
  digest: 'd',
  features: [
    { name: 'f', type: 'number', tensor: 'nowhere', column: 0, optional: false, missing: 0 },
  ],
  task: 'other',
}

const scannedVersion = (version: number, { nature, content }: ToldVersion): ScannedVersion => ({
  ...{ version, folder: '', exampleRow: null, bounds: [] },
  // What a proving run and replicas find out.
  modelFile: `${nature}/${content}`,
  manifest: nature === 'selfish' ? SELFISH : null,
  fault: nature === 'faulty' ? refuse('MANIFEST_INVALID', 'it is faulty') : null,
})

const scannedModel = (name: string, model: ToldModel): ScannedModel => {
  const config = { ...CONFIG, versionPolicy: model.policy }
  const bare = { name, config, faults: [], isBroken: false }
  if (model.isBroken) {
    const faults = [refuse('REPOSITORY_UNREADABLE', 'its folder cannot be read')]
    return { ...bare, aliases: {}, versions: [], faults, isBroken: true }
  }
  const versions = [...model.versions].map(([version, told]) => scannedVersion(version, told))
  const aliases = model.champion === null ? {} : { champion: model.champion }
  return { ...bare, aliases, versions: versions.sort((a, b) => a.version - b.version) }
}

const LATEST: VersionPolicy = { kind: 'latest', count: 1 }

/** Of a file that nobody has touched for long. */
const LONG_AGO_MS = 0

export class PlanningRepository {
  readonly models = new Map<string, ToldModel>()
  /** What was last read of every model. */
  scanned = new Map<string, ToldModel>()
  isReadable = true
  #content = 0
  /** How often some of it was read. */
  reads = 0

  /** `changedMs`: when it last changed, by the wall clock; long ago: it is moved into its place. */
  put(model: string, version: number, nature: Nature, changedMs = LONG_AGO_MS): void {
    const known = this.#model(model)
    known.versions.set(version, { nature, content: ++this.#content, changedMs })
  }

  #model(model: string): ToldModel {
    const bare = { champion: null, versions: new Map(), isBroken: false, policy: LATEST }
    const known = this.models.get(model) ?? bare
    this.models.set(model, known)
    return known
  }

  policy(model: string, policy: VersionPolicy): void {
    this.#model(model).policy = policy
  }

  remove(model: string, version: number): void {
    const known = this.models.get(model)
    known?.versions.delete(version)
    if (known?.versions.size === 0) this.models.delete(model)
  }

  alias(model: string, champion: number | null): void {
    const known = this.models.get(model)
    if (known !== undefined) known.champion = champion
  }

  /** As planning reads it. */
  repositoryAt(): Repository {
    return {
      scan: () => this.#scan(),
      scanModel: (name) => {
        this.#look(name)
        const model = this.models.get(name)
        return model === undefined ? null : scannedModel(name, model)
      },
      stamps: () => {
        this.#assertReadable()
        return new Map([...this.models.keys()].map((name) => [name, this.#stamp(name)]))
      },
      stampModel: (name) => this.#stamp(name),
    }
  }

  #assertReadable(): void {
    if (!this.isReadable) throw new GatewayError('REPOSITORY_UNREADABLE', 'It cannot be read')
  }

  #stamp(name: string): ModelStamp {
    const { versions = new Map<number, ToldVersion>(), ...more } = this.models.get(name) ?? {}
    const stamps = [...versions].map(
      ([version, { content, changedMs }]) =>
        [version, { text: `${content} ${changedMs}`, changedMs }] as const,
    )
    const settings = { text: JSON.stringify(more), changedMs: LONG_AGO_MS }
    return { settings, versions: new Map(stamps) }
  }

  #look(name: string): void {
    this.#assertReadable()
    this.reads++
    const model = this.models.get(name)
    if (model === undefined) this.scanned.delete(name)
    else if (!model.isBroken || !this.scanned.has(name)) {
      this.scanned.set(name, structuredClone(model))
    }
  }

  #scan(): RepositoryScan {
    this.#assertReadable()
    for (const name of this.scanned.keys()) if (!this.models.has(name)) this.scanned.delete(name)
    for (const name of this.models.keys()) this.#look(name)
    return { models: [...this.models].map((each) => scannedModel(...each)), faults: [] }
  }
}
