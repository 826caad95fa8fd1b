/**
 * Numbers for the version word of shared memory. A number means the same version in every epoch, so
 * that the watchdog names the right one whatever plan is served or prepared when a thread hangs.
 */

import type { PlannedVersion } from '../shared/epoch-plan.ts'
import { markIdentity } from '../shared/run-marks.ts'

export type NumberedVersion = Pick<PlannedVersion, 'model' | 'version' | 'provenSha256' | 'digest'>

export class VersionNumbers {
  readonly #marksFd: number
  readonly #numbers = new Map<string, number>()
  /** By number; 0 is no version. One entry for every version that this process ever prepared. */
  readonly #versions: (NumberedVersion | null)[] = [null]

  /** `marksFd`: of the file in which each number is explained (run-marks.ts). */
  constructor(marksFd = 0) {
    this.#marksFd = marksFd
  }

  /** The number of a version, from 1: the same one for the same proven bytes. */
  numberOf({ model, version, provenSha256, digest }: PlannedVersion): number {
    const key = JSON.stringify([model, version, provenSha256])
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const number = this.#versions.push({ model, version, provenSha256, digest }) - 1
    this.#numbers.set(key, number)
    markIdentity(this.#marksFd, number, { model, version, digest })
    return number
  }

  /** For people: `<model> v<version>`, or '' for a number that was never given out. */
  nameOf(number: number): string {
    const named = this.versionOf(number)
    return named === null ? '' : `${named.model} v${named.version}`
  }

  /** What a number was given to; null for one that was never given out. */
  versionOf(number: number): NumberedVersion | null {
    return this.#versions[number] ?? null
  }
}
