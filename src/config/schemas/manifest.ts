/** The schemas of manifest.json v1 and profile.json v1 (design §5). Unknown keys are kept. */

import { z } from 'zod'
import { DATATYPES } from '../../shared/tensor.ts'

/** Values of float32 and float64 fields that JSON cannot carry are null. */
const number = z.number()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hexadecimal')

const format = (name: string) => z.looseObject({ name: z.literal(name), version: z.literal(1) })

const tensorSignature = z.looseObject({
  name: z.string().min(1),
  datatype: z.enum(DATATYPES),
  shape: z.array(z.int().min(-1)),
})

const feature = z.looseObject({
  name: z.string().min(1).max(256),
  type: z.enum(['number', 'integer', 'boolean', 'category']),
  tensor: z.string().min(1),
  column: z.int().min(0),
  optional: z.boolean().default(false),
  missing: z.union([number, z.string(), z.null()]).optional(),
  vocabulary: z.array(z.string()).optional(),
  importance: number.optional(),
})

const unique = (names: readonly string[]) => new Set(names).size === names.length

export const manifestSchema = z.looseObject({
  format: format('sluice-manifest'),
  digest: sha256,
  signature: z
    .looseObject({ inputs: z.array(tensorSignature), outputs: z.array(tensorSignature) })
    .optional(),
  features: z
    .array(feature)
    .default([])
    .refine((features) => unique(features.map(({ name }) => name)), 'names a feature twice')
    .refine(
      (features) => unique(features.map(({ tensor, column }) => `${tensor}\0${column}`)),
      'puts two features into one column',
    ),
  task: z.enum(['binary', 'multiclass', 'regression', 'other']).default('other'),
  score: z.looseObject({ output: z.string(), column: z.int().min(0).default(0) }).optional(),
  label: z.looseObject({ output: z.string() }).optional(),
  classes: z.array(z.union([z.string(), z.number()])).optional(),
  positive_class: z.union([z.string(), z.number()]).optional(),
  threshold: number.nullable().optional(),
  calibrated: z.boolean().optional(),
})

const ascending = (edges: readonly number[]) =>
  edges.every((edge, i) => i === 0 || edge > edges[i - 1]!)

const counted = z.looseObject({ value: z.union([number, z.string()]), count: z.int().min(0) })

const profileFeature = z.looseObject({
  name: z.string().min(1),
  type: z.enum(['number', 'integer', 'boolean', 'category']),
  edges: z.array(number).refine(ascending, 'must be distinct and ascending').optional(),
  counts: z.array(z.int().min(0)).optional(),
  atoms: z.array(counted).optional(),
  categories: z.array(counted).optional(),
  missing: z.int().min(0).optional(),
})

export const profileSchema = z.looseObject({
  format: format('sluice-profile'),
  version_digest: sha256,
  data_hash: z.string().optional(),
  rows: z.int().min(0),
  example_row: z.record(z.string(), z.union([number, z.string(), z.boolean(), z.null()])),
  features: z.array(profileFeature),
  score: z
    .looseObject({
      edges: z.array(number).refine(ascending, 'must be distinct and ascending'),
      counts: z.array(z.int().min(0)),
    })
    .optional(),
})
