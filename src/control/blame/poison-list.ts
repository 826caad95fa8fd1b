/** Versions that killed replicas, in `poison.json` of the state folder: they stay out. */

import { isFields } from '../../shared/fields.ts'
import { identityOf, type MarkedVersion } from '../../shared/run-marks.ts'
import {
  corrupt,
  readStateFile,
  type StateFormat,
  writeStateFile,
} from '../../shared/state-file.ts'

export interface PoisonedVersion extends MarkedVersion {
  /** For people. */
  readonly reason: string
}

const FORMAT: StateFormat = { name: 'sluice.poison', version: 1 }
const FILE = 'poison.json'

const isPoisoned = (value: unknown): value is PoisonedVersion =>
  isFields(value) &&
  ['model', 'digest', 'reason'].every((key) => typeof value[key] === 'string') &&
  Number.isSafeInteger(value['version'])

/** @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT */
const read = (path: string): readonly PoisonedVersion[] => {
  const versions = readStateFile(path, FILE, FORMAT)?.['versions'] ?? []
  if (Array.isArray(versions) && versions.every(isPoisoned)) return versions
  throw corrupt(FILE, 'holds a version that is not whole')
}

export class PoisonList {
  readonly #path: string
  #byIdentity: Map<string, PoisonedVersion>

  /** @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT */
  constructor(path: string) {
    this.#path = path
    this.#byIdentity = new Map(read(path).map((version) => [identityOf(version), version]))
  }

  /** Why these bytes of a version may not be loaded; null: they may. */
  reasonFor(version: MarkedVersion): string | null {
    return this.#byIdentity.get(identityOf(version))?.reason ?? null
  }

  /** @throws GatewayError STATE_UNWRITABLE; under this control it is poison all the same */
  add(version: PoisonedVersion): void {
    this.#byIdentity.set(identityOf(version), version)
    this.#write(this.#byIdentity)
  }

  /**
   * Somebody wants the versions of a model loaded although they were poison.
   *
   * @throws GatewayError STATE_UNWRITABLE: they stay poison
   */
  forgive(model: string): void {
    const others = [...this.#byIdentity].filter(([, version]) => version.model !== model)
    if (others.length === this.#byIdentity.size) return
    const kept = new Map(others)
    this.#write(kept)
    this.#byIdentity = kept
  }

  #write(versions: ReadonlyMap<string, PoisonedVersion>): void {
    writeStateFile(this.#path, FORMAT, { versions: [...versions.values()] })
  }
}
