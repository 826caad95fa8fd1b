/** The plain form of `manifest.json` v1 (design §5). Validated by `config/schemas/manifest.ts`. */

import type { Signature } from './tensor.ts'

export type FeatureType = 'number' | 'integer' | 'boolean' | 'category'

/** Where one feature of a version lives: element `column` of each row of `tensor`. */
export interface ManifestFeature {
  readonly name: string
  readonly type: FeatureType
  readonly tensor: string
  readonly column: number
  readonly optional: boolean
  /** Fed when the value is absent or null. Number tensors: default NaN; string tensors: "". */
  readonly missing: number | string
  /** Category -> code, for tensors that take codes. Unknown categories are fed as -1. */
  readonly vocabulary?: readonly string[]
  readonly importance?: number
}

export type Task = 'binary' | 'multiclass' | 'regression' | 'other'

export interface Manifest {
  readonly digest: string
  readonly signature?: Signature
  readonly features: readonly ManifestFeature[]
  readonly task: Task
  /** Output and column that hold the score; binary: the probability of `positiveClass`. */
  readonly score?: { readonly output: string; readonly column: number }
  readonly label?: { readonly output: string }
  readonly classes?: readonly (string | number)[]
  readonly positiveClass?: string | number
  readonly threshold?: number
}

/** One row of raw feature values by name, as in `profile.json`. */
export type ExampleRow = Readonly<Record<string, number | string | boolean | null>>

/**
 * For `JSON.parse` of documents that hold manifests: JSON has no NaN, so a missing value of NaN
 * travels as null, and null written into a float tensor would be 0.
 */
export function reviveManifest(this: object, key: string, value: unknown): unknown {
  return key === 'missing' && value === null && 'column' in this ? Number.NaN : value
}
