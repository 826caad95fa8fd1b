/** The schema of manifest.json v1 (design §5). Unknown keys are kept. */

import { z } from 'zod'
import { DATATYPES } from '../../shared/tensor.ts'
import { areDistinct, featureName, featureType, format, sha256 } from './file-format.ts'

const tensorSignature = z.looseObject({
  name: z.string().min(1),
  datatype: z.enum(DATATYPES),
  shape: z.array(z.int().min(-1)),
})

const feature = z
  .looseObject({
    name: featureName,
    type: featureType,
    tensor: z.string().min(1),
    column: z.int().min(0),
    optional: z.boolean().default(false),
    /** null: the default, NaN for numbers, which JSON cannot carry. */
    missing: z.union([z.number(), z.string(), z.null()]).optional(),
    vocabulary: z.array(z.string()).refine(areDistinct, 'names a category twice').optional(),
    importance: z.number().optional(),
  })
  .refine(({ type, vocabulary }) => type === 'category' || vocabulary === undefined, {
    error: 'only a category has a vocabulary',
    path: ['vocabulary'],
  })
  .refine(
    ({ type, vocabulary, missing }) => {
      const isText = type === 'category' && vocabulary === undefined
      return missing === undefined || missing === null || isText === (typeof missing === 'string')
    },
    {
      error: 'is of another type than what is fed: text for categories, else a number',
      path: ['missing'],
    },
  )

const className = z.union([z.string(), z.number()])

export const manifestSchema = z
  .looseObject({
    format: format('sluice-manifest'),
    digest: sha256,
    signature: z
      .looseObject({ inputs: z.array(tensorSignature), outputs: z.array(tensorSignature) })
      .optional(),
    features: z
      .array(feature)
      .default([])
      .refine((all) => areDistinct(all.map(({ name }) => name)), 'names a feature twice')
      .refine(
        (all) => areDistinct(all.map(({ tensor, column }) => `${tensor}\0${column}`)),
        'puts two features into one column',
      ),
    task: z.enum(['binary', 'multiclass', 'regression', 'other']).default('other'),
    score: z.looseObject({ output: z.string(), column: z.int().min(0).default(0) }).optional(),
    label: z.looseObject({ output: z.string() }).optional(),
    classes: z.array(className).refine(areDistinct, 'names a class twice').optional(),
    positive_class: className.optional(),
    threshold: z.number().nullable().optional(),
    calibrated: z.boolean().optional(),
  })
  .refine(
    ({ classes, positive_class: positive }) =>
      positive === undefined || classes === undefined || classes.includes(positive),
    { error: 'is none of the classes', path: ['positive_class'] },
  )
