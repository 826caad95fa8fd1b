/** The watchdog of a replica: looks at the beats of all its threads and says which are silent. */

import type { WatchdogLimits } from '../shared/epoch-plan.ts'
import { type ReplicaMemory, THREAD_STATE_NAMES, THREAD_WORDS } from '../shared/shared-memory.ts'
import type { VersionNumbers } from './version-numbers.ts'
import { type BeatSeen, isOnVersion, judgeBeat, seeBeat, type Verdict } from './watchdog.ts'

/** A thread that has not ended. */
export interface WatchedThread {
  /** `thread 0`, `compute thread 0` */
  readonly name: string
  readonly words: Int32Array
}

/** Those of a replica that live, of each kind by index. */
export const watchedThreads = (
  memory: ReplicaMemory,
  dataThreads: ReadonlySet<number>,
  computeThreads: ReadonlySet<number>,
): WatchedThread[] => [
  ...[...dataThreads].map((thread) => ({
    name: `thread ${thread}`,
    words: memory.threads[thread]!.words,
  })),
  ...[...computeThreads].map((thread) => ({
    name: `compute thread ${thread}`,
    words: memory.computeThreads[thread]!.words,
  })),
]

export interface SilentThread {
  readonly verdict: Exclude<Verdict, 'alive'>
  /** `thread 1: load flights v3` or `thread 1: idle` */
  readonly detail: string
}

export class ThreadWatch {
  readonly #limits: WatchdogLimits
  readonly #versions: VersionNumbers
  readonly #seen = new Map<string, BeatSeen>()
  readonly #verdicts = new Map<string, Verdict>()
  #lastLookMs: number

  constructor(limits: WatchdogLimits, versions: VersionNumbers, nowMs: number) {
    this.#limits = limits
    this.#versions = versions
    this.#lastLookMs = nowMs
  }

  /** To be called twice a second. Gives those of which it has something new to say. */
  look(threads: readonly WatchedThread[], nowMs: number): SilentThread[] {
    const news = threads.flatMap((thread) => this.#lookAt(thread, nowMs) ?? [])
    this.#lastLookMs = nowMs
    return news
  }

  /** Another thread has taken the place of one that was watched. */
  forget(name: string): void {
    this.#seen.delete(name)
    this.#verdicts.delete(name)
  }

  #lookAt({ name, words }: WatchedThread, nowMs: number): SilentThread | null {
    const state = Atomics.load(words, THREAD_WORDS.STATE)
    const beat = Atomics.load(words, THREAD_WORDS.BEAT)
    const seen = seeBeat(this.#seen.get(name), beat, nowMs, this.#lastLookMs)
    this.#seen.set(name, seen)
    const verdict = judgeBeat(seen, state, nowMs, this.#limits)
    const hasChanged = verdict !== (this.#verdicts.get(name) ?? 'alive')
    this.#verdicts.set(name, verdict)
    if (verdict === 'alive' || !hasChanged) return null
    const number = isOnVersion(state) ? Atomics.load(words, THREAD_WORDS.VERSION) : 0
    const what = THREAD_STATE_NAMES[state] ?? 'unknown'
    const detail = [`${name}: ${what}`, this.#versions.nameOf(number)].join(' ').trim()
    return { verdict, detail }
  }
}
