/** What the JSON files of a version have in common. Unknown keys are kept: writers may add some. */

import { z } from 'zod'

/** Version of manifest.json and profile.json that this release reads. */
export const FORMAT_VERSION = 1

/** `"format": {"name": "sluice-manifest", "version": 1}` */
export const format = (name: string) =>
  z.looseObject({ name: z.literal(name), version: z.literal(FORMAT_VERSION) })

export const sha256 = z
  .string()
  .refine((text) => /^[0-9a-f]{64}$/.test(text), 'is no SHA-256 in lower-case hexadecimal')

export const featureName = z.string().min(1).max(256)

export const featureType = z.enum(['number', 'integer', 'boolean', 'category'])

/** Whether no value stands twice. */
export const areDistinct = (values: readonly unknown[]): boolean =>
  new Set(values).size === values.length
