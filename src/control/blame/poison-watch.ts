/** Looks at what replicas died of, and finds the version that kills them (blame.ts). */

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../shared/clock.ts'
import type { EpochPlan, PlannedVersion } from '../../shared/epoch-plan.ts'
import { GatewayError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { identityOf, marksFileName, type ReadMark, readMarks } from '../../shared/run-marks.ts'
import type { Catalog } from '../planning/catalog.ts'
import { versionName } from '../planning/planned-version.ts'
import type { ReplicaDeath } from '../replicas/connected-replica.ts'
import { BLAME_MS, blamed, type Suspect, type SuspectDeath } from './blame.ts'
import { oomKills } from './oom-kills.ts'
import type { PoisonList } from './poison-list.ts'

/** A native fault in what the process runs. An operator's SIGKILL or SIGTERM is none. */
const FAULTS = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT']

export interface PoisonSources {
  readonly clock: Clock
  readonly logger: Logger
  readonly runPath: string
  readonly list: PoisonList
  readonly catalog: Pick<Catalog, 'models' | 'markFailed'>
  readonly publisher: { readonly plan: Pick<EpochPlan, 'versions'> | null }
  /** A version may be in no plan any more: another one is due. */
  onRoutedOut(): void
  readonly oomKills?: typeof oomKills
}

export class PoisonWatch {
  readonly #sources: PoisonSources
  /** By incarnation: the version whose run the watchdog of the replica has given up. */
  readonly #hanging = new Map<number, string>()
  #deaths: SuspectDeath[] = []
  #oomKills: number | null

  constructor(sources: PoisonSources) {
    this.#sources = sources
    this.#oomKills = (sources.oomKills ?? oomKills)()
  }

  /** The watchdog of a replica ends it: `thread 0: run flights v3`. */
  onThreadDead(incarnation: number, detail: string): void {
    const hanging = this.#known().find((version) =>
      detail.endsWith(`: run ${versionName(version)}`),
    )
    if (hanging !== undefined) this.#hanging.set(incarnation, identityOf(hanging))
  }

  /** Versions that replicas hold, or may. */
  #known(): PlannedVersion[] {
    const { catalog, publisher } = this.#sources
    const sound = [...catalog.models.values()].flatMap(({ versions }) =>
      [...versions.values()].flatMap((entry) => entry.sound ?? []),
    )
    return [...(publisher.plan?.versions ?? []), ...sound]
  }

  onDied({ index, incarnation, detail }: ReplicaDeath): void {
    const path = join(this.#sources.runPath, marksFileName(index, incarnation))
    const marks = readMarks(path)
    rmSync(path, { force: true })
    const suspects = this.#suspectsOf(incarnation, detail, marks)
    this.#hanging.delete(incarnation)
    if (suspects.length === 0) return
    const nowMs = this.#sources.clock.monotonic()
    const hadOthers = (this.#sources.publisher.plan?.versions.length ?? 0) > 1
    this.#deaths = this.#deaths.filter(({ atMs }) => nowMs - atMs <= BLAME_MS)
    this.#deaths.push({ atMs: nowMs, suspects, hadOthers })
    const guilty = blamed(this.#deaths, nowMs)
    if (guilty !== null) this.#condemn(guilty, detail)
  }

  #suspectsOf(incarnation: number, detail: string, marks: readonly ReadMark[]): Suspect[] {
    const hanging = this.#hanging.get(incarnation)
    if (hanging !== undefined) return [{ identity: hanging, isCertain: true }]
    const isFault = FAULTS.some((signal) => detail === `signal ${signal}`)
    if (!isFault && !(detail === 'signal SIGKILL' && this.#hasKilledForMemory())) return []
    return marks.map(({ identity, isRunning }) => ({ identity, isCertain: isRunning }))
  }

  #hasKilledForMemory(): boolean {
    const before = this.#oomKills
    this.#oomKills = (this.#sources.oomKills ?? oomKills)()
    return before !== null && this.#oomKills !== null && this.#oomKills > before
  }

  #condemn(identity: string, detail: string): void {
    const { logger, list, catalog, onRoutedOut } = this.#sources
    this.#deaths = this.#deaths.filter(({ suspects }) =>
      suspects.every((suspect) => suspect.identity !== identity),
    )
    const guilty = this.#known().filter((each) => identityOf(each) === identity)
    const [version] = guilty
    if (version === undefined) return
    const { model, version: number, digest } = version
    const how = detail === 'signal SIGKILL' ? 'hung, or took all memory' : `ended by ${detail}`
    const reason = `Replicas ${how} within a minute, each time while this version ran`
    logger.error({ event: 'version_poisoned', model, version: number, reason }, 'it is routed out')
    // First: what lowers a risk is done before it is written down.
    for (const each of guilty) {
      catalog.markFailed(each, { code: 'VERSION_POISONED', detail: reason }, false)
    }
    onRoutedOut()
    try {
      list.add({ model, version: number, digest, reason })
    } catch (thrown) {
      const { code, message } = GatewayError.from(thrown)
      logger.error({ event: 'poison_not_written', code }, message)
    }
  }
}
