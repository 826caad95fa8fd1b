/** What clients are told of the values that a version was trained with. Pure. */

import type { ManifestFeature } from '../shared/manifest.ts'
import type { FeatureBounds } from '../shared/profile.ts'

/** Of profile.json, a feature. */
export interface ProfiledFeature {
  readonly name: string
  readonly min?: number | null | undefined
  readonly max?: number | null | undefined
  readonly categories?:
    | readonly { readonly value: string | number; readonly count: number }[]
    | undefined
}

/**
 * Every plan and every description of the API holds what is listed: of a feature, what a reader
 * still looks at, and of a version so much that thousands of them fit into a plan.
 */
const CATEGORIES_MAX = 50
const CATEGORY_LENGTH_MAX = 64
const ENCODED_BYTES_MAX = 128 * 1024

const encodedBytes = (value: object): number => Buffer.byteLength(JSON.stringify(value))

const featureBounds = ({ name, min, max, categories = [] }: ProfiledFeature): FeatureBounds => {
  const byCount = categories.toSorted((a, b) => b.count - a.count)
  const texts = new Set(byCount.map(({ value }) => String(value)))
  const listed = texts
    .values()
    .filter((text) => text.length <= CATEGORY_LENGTH_MAX)
    .take(CATEGORIES_MAX)
    .toArray()
  const moreCategories = texts.size - listed.length
  return { name, min: min ?? null, max: max ?? null, categories: listed, moreCategories }
}

/**
 * Bounds and the most frequent categories of the features that a manifest has, in its order; of
 * none that is only in the profile. A feature for which there is no room any more has none.
 */
export const boundsOf = (
  profiled: readonly ProfiledFeature[],
  features: readonly Pick<ManifestFeature, 'name'>[],
): FeatureBounds[] => {
  const byName = new Map(profiled.map((each) => [each.name, each]))
  let room = ENCODED_BYTES_MAX
  return features.flatMap(({ name }) => {
    const known = byName.get(name)
    if (known === undefined) return []
    const bounds = featureBounds(known)
    const bytes = encodedBytes(bounds)
    if (bytes > room) return []
    room -= bytes
    return [bounds]
  })
}
