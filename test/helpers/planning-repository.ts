/** A repository that is only told of: models, versions and what becomes of whoever tries them. */

import { repositoryParsers } from '../../src/config/parsers.ts'
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
  /** Another content, another digest. */
  readonly content: number
}

export interface ToldModel {
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
  const bare = { name, config: CONFIG, faults: [], isBroken: false }
  if (model.isBroken) {
    const faults = [refuse('REPOSITORY_UNREADABLE', 'its folder cannot be read')]
    return { ...bare, aliases: {}, versions: [], faults, isBroken: true }
  }
  const versions = [...model.versions].map(([version, told]) => scannedVersion(version, told))
  const aliases = model.champion === null ? {} : { champion: model.champion }
  return { ...bare, aliases, versions: versions.sort((a, b) => a.version - b.version) }
}

export class PlanningRepository {
  readonly models = new Map<string, ToldModel>()
  /** What was last read of every model. */
  scanned = new Map<string, ToldModel>()
  isReadable = true
  #content = 0

  put(model: string, version: number, nature: Nature): void {
    const known = this.models.get(model) ?? { champion: null, versions: new Map(), isBroken: false }
    known.versions.set(version, { nature, content: ++this.#content })
    this.models.set(model, known)
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

  scan(): RepositoryScan {
    if (!this.isReadable) throw new GatewayError('REPOSITORY_UNREADABLE', 'It cannot be read')
    const known = this.scanned
    this.scanned = structuredClone(this.models)
    for (const [name, { isBroken }] of this.models) {
      const before = known.get(name)
      if (isBroken && before !== undefined) this.scanned.set(name, before)
    }
    return { models: [...this.models].map((each) => scannedModel(...each)), faults: [] }
  }
}
