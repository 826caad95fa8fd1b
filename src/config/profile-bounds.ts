/** What clients are told of the values that a version was trained with. Pure. */

import type { FeatureBounds } from '../shared/profile.ts'

/** Of profile.json, a feature. */
interface ProfiledFeature {
  readonly name: string
  readonly min?: number | null | undefined
  readonly max?: number | null | undefined
  readonly categories?:
    | readonly { readonly value: string | number; readonly count: number }[]
    | undefined
}

/**
 * Every plan and every description of the API holds what is listed: of a feature, what a reader
 * still looks at, and of a version at most 128 KB.
 */
const CATEGORIES_MAX = 50
const CATEGORY_LENGTH_MAX = 64
const CATEGORIES_OF_VERSION_MAX = 2000

/** Bounds and the most frequent categories of all features, in the order of the profile. */
export const boundsOf = (features: readonly ProfiledFeature[]): FeatureBounds[] => {
  let room = CATEGORIES_OF_VERSION_MAX
  return features.map(({ name, min, max, categories = [] }) => {
    const listed = categories
      .toSorted((a, b) => b.count - a.count)
      .map(({ value }) => String(value))
      .filter((text) => text.length <= CATEGORY_LENGTH_MAX)
      .slice(0, Math.min(room, CATEGORIES_MAX))
    room -= listed.length
    return {
      name,
      min: min ?? null,
      max: max ?? null,
      categories: listed,
      moreCategories: categories.length - listed.length,
    }
  })
}
