/** The schema of profile.json v1 (design §5): what the training data of a version looked like. */

import { z } from 'zod'
import { areDistinct, featureName, featureType, format, sha256 } from './file-format.ts'

const count = z.int().min(0)

/** Values arrive as float32 and must fall on the side of an edge that they fell on in training. */
const edges = z
  .array(z.number())
  .refine(
    (all) => all.every((edge) => Number.isFinite(Math.fround(edge))),
    'holds a number beyond float32',
  )
  .refine(
    (all) => all.every((edge, i) => i === 0 || Math.fround(edge) > Math.fround(all[i - 1]!)),
    'must be distinct and ascending as float32',
  )

interface Binned {
  readonly edges?: readonly number[] | undefined
  readonly counts?: readonly number[] | undefined
}

/** Bins `(a, b]`: one below the first edge, one above the last. */
const areBinsOf = ({ edges: all, counts }: Binned): boolean =>
  all === undefined || counts === undefined || counts.length === all.length + 1

const BINS = { error: 'must be one more than the edges', path: ['counts'] }

const counted = <T extends z.ZodType>(value: T) =>
  z
    .array(z.looseObject({ value, count }))
    .refine((all) => areDistinct(all.map((each) => each['value'])), 'names a value twice')

const feature = z
  .looseObject({
    name: featureName,
    type: featureType,
    edges: edges.optional(),
    counts: z.array(count).optional(),
    atoms: counted(z.number()).optional(),
    categories: counted(z.union([z.string(), z.number()])).optional(),
    missing: count.optional(),
    min: z.number().nullish(),
    max: z.number().nullish(),
  })
  .refine(areBinsOf, BINS)

export const profileSchema = z.looseObject({
  format: format('sluice-profile'),
  version_digest: sha256,
  data_hash: z.string().optional(),
  rows: count,
  example_row: z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])),
  features: z
    .array(feature)
    .refine((all) => areDistinct(all.map(({ name }) => name)), 'names a feature twice'),
  score: z
    .looseObject({ edges, counts: z.array(count) })
    .refine(areBinsOf, BINS)
    .optional(),
})
