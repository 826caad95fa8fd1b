/** How a manifest says to read the outputs of a version: score, label, classes. */

import type { VariantParts } from './variant-parts.ts'

export interface Reading {
  /** Index of the output with the scores. */
  readonly score: number
  readonly scoreColumn: number
  /** Index of the output with the labels; -1 without one. */
  readonly label: number
  readonly threshold: number | null
  /** JSON text of the classes, in the order of the score's columns. */
  readonly classes: readonly string[]
  /** The same as keys of an object. */
  readonly keys: readonly string[]
  readonly positive: string
  readonly negative: string
}

const outputIndex = ({ signature }: VariantParts, name: string | undefined): number =>
  signature.outputs.findIndex((output) => output.name === name)

/** null where the manifest names no score, or there is none. */
export const compileReading = (parts: VariantParts): Reading | null => {
  const { manifest } = parts
  if (manifest === null || manifest.task === 'other' || manifest.score === undefined) return null
  const classes = manifest.classes ?? (manifest.task === 'binary' ? [0, 1] : [])
  const positive = manifest.positiveClass ?? classes[1] ?? 1
  const negative = classes.find((each) => each !== positive) ?? 0
  return {
    score: outputIndex(parts, manifest.score.output),
    scoreColumn: manifest.score.column,
    label: outputIndex(parts, manifest.label?.output),
    threshold: manifest.threshold ?? null,
    classes: classes.map((each) => JSON.stringify(each)),
    keys: classes.map((each) => JSON.stringify(String(each))),
    positive: JSON.stringify(positive),
    negative: JSON.stringify(negative),
  }
}
