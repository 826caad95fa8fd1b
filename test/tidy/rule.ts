/** What a tidy rule is, and how it is written down: with cases that must fail beside it. */

import { type Repository, toRepository } from './source.ts'

/** Path and text of a few made-up files. */
type Files = Readonly<Record<string, string>>

export interface BadCase {
  readonly files: Files
  /** Part of the complaint: a rule that fails for another reason proves nothing. */
  readonly says: string
  /** Files that git does not know. */
  readonly untracked?: readonly string[]
  /** The rule with a made-up table in place of its own. */
  readonly check?: Check
}

/** Pure: one sentence for each problem. */
export type Check = (repository: Repository) => readonly string[]

export interface TidyRule {
  /** What holds for the tree. */
  readonly title: string
  readonly check: Check
  /** At least one: a check that cannot fail is no check. */
  readonly bad: readonly [BadCase, ...BadCase[]]
  /** What looks like a problem and is none. */
  readonly good?: readonly Files[]
}

/** The made-up files as a repository. */
export const repositoryOf = (files: Files, untracked: readonly string[] = []): Repository =>
  toRepository(
    Object.entries(files).map(([path, text]) => ({ path, text })),
    Object.keys(files).filter((path) => !untracked.includes(path)),
  )

/** One bad case of one file. */
export const bad = (path: string, text: string, says: string): BadCase => ({
  files: { [path]: text },
  says,
})
