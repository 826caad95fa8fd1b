/** The plain form of what serving needs of `profile.json` v1 (design §5). */

/** What the training data of one feature looked like, as far as clients are told of it. */
export interface FeatureBounds {
  readonly name: string
  /** null: not known, or no number. */
  readonly min: number | null
  readonly max: number | null
  /** The most frequent first; empty for a feature that has none. */
  readonly categories: readonly string[]
  /** Categories beside those. */
  readonly moreCategories: number
}
