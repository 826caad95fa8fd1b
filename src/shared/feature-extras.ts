/**
 * What the tensors of a request do not say of its features: texts of categories that the vocabulary
 * of the version does not have, which all become the code -1, and features that were missing and
 * for which their default was fed. A record tells them apart.
 *
 * Collected while a body is decoded, and only where there is something to note. Not noted is a
 * missing feature whose default is NaN, which is the usual: no JSON gives NaN otherwise.
 */
export interface FeatureExtras {
  /** Of each entry: the row within the request. */
  readonly rows: number[]
  /** The feature, in the order of the contract. */
  readonly features: number[]
  /** The text as it came; null: the feature was missing. */
  readonly texts: (string | null)[]
  /** Of all texts. */
  characters: number
  /** There were more than are kept. Then none is kept: nobody can tell which are absent. */
  isCut: boolean
}

/** As much as a record has room for. All together take some 300 KB at most. */
export const EXTRAS_MAX = 4096
export const EXTRA_CHARACTERS_MAX = 65_536

/** Notes one more; `extras`: of the request so far, null where there were none. */
export const noteExtra = (
  extras: FeatureExtras | null,
  row: number,
  feature: number,
  text: string | null,
): FeatureExtras => {
  const all = extras ?? { rows: [], features: [], texts: [], characters: 0, isCut: false }
  if (all.isCut) return all
  all.characters += text === null ? 0 : text.length
  if (all.rows.length === EXTRAS_MAX || all.characters > EXTRA_CHARACTERS_MAX) {
    all.rows.length = all.features.length = all.texts.length = 0
    all.isCut = true
    return all
  }
  all.rows.push(row)
  all.features.push(feature)
  all.texts.push(text)
  return all
}
