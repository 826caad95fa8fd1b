/**
 * What replicas hold, beside what the present epoch names: versions whose requests are not all
 * answered yet; and what memory came back when they had let go.
 */

import { versionName } from '../planning/planned-version.ts'

/** A version that left a replica. Part of `GET /api/v1/models`. */
export interface UnloadStatus {
  readonly replica: number
  readonly at: string
  /** Resident memory of the whole process, as src/server/holdings.ts measures it. */
  readonly rssBeforeBytes: number
  readonly rssAfterBytes: number
}

/** What is taken of a replica's figures. */
export interface HeldFigures {
  readonly incarnation: number
  readonly loaded: readonly { readonly model: string; readonly version: bigint }[]
}

/** `Unload` of proto/control.proto. */
interface Unload {
  readonly model: string
  readonly version: bigint
  readonly rssBeforeBytes: number
  readonly rssAfterBytes: number
}

/** Names of versions that came and went are kept up to here; then the oldest are forgotten. */
const NAMES_MAX = 1000

const nameOf = ({ model, version }: { model: string; version: bigint }): string =>
  versionName({ model, version: Number(version) })

export class ReplicaVersions {
  #byIncarnation = new Map<number, ReadonlySet<string>>()
  #held: ReadonlySet<string> = new Set()
  #unloads: ReadonlyMap<string, readonly UnloadStatus[]> = new Map()
  /** The last unload of each replica, by index. */
  readonly last = new Map<number, UnloadStatus>()
  /** Unloads that replicas have reported to this control. */
  total = 0

  /** `versionName` of what some replica holds. Replaced when it changes, like `unloads`. */
  get held(): ReadonlySet<string> {
    return this.#held
  }

  /** By `versionName`: the last unload of it in each replica. */
  get unloads(): ReadonlyMap<string, readonly UnloadStatus[]> {
    return this.#unloads
  }

  /** New figures of all replicas that live. */
  onFigures(replicas: readonly HeldFigures[]): void {
    this.#byIncarnation = new Map(
      replicas.map(({ incarnation, loaded }) => [incarnation, new Set(loaded.map(nameOf))]),
    )
    this.#gather()
  }

  /** A replica has let go of a version: known before its next figures. */
  onUnloaded(replica: { index: number; incarnation: number }, unload: Unload, nowMs: number): void {
    const name = nameOf(unload)
    const { rssBeforeBytes, rssAfterBytes } = unload
    const at = new Date(nowMs).toISOString()
    const status = { replica: replica.index, at, rssBeforeBytes, rssAfterBytes }
    const others = (this.#unloads.get(name) ?? []).filter((each) => each.replica !== replica.index)
    const unloads = new Map(this.#unloads)
    unloads.delete(name)
    unloads.set(
      name,
      [...others, status].toSorted((a, b) => a.replica - b.replica),
    )
    const [oldest] = unloads.keys()
    if (unloads.size > NAMES_MAX && oldest !== undefined) unloads.delete(oldest)
    this.#unloads = unloads
    this.last.set(replica.index, status)
    this.total++
    const held = new Set(this.#byIncarnation.get(replica.incarnation))
    held.delete(name)
    this.#byIncarnation.set(replica.incarnation, held)
    this.#gather()
  }

  /** A replica process has ended. */
  onDied(incarnation: number): void {
    this.#byIncarnation.delete(incarnation)
    this.#gather()
  }

  #gather(): void {
    const held = new Set([...this.#byIncarnation.values()].flatMap((names) => [...names]))
    const isSame = held.size === this.#held.size && [...held].every((name) => this.#held.has(name))
    if (!isSame) this.#held = held
  }
}
