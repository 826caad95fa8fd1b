/** What becomes of values before a record is on disk, as `records.redact` says it. */

import { z } from 'zod'
import { ERROR_CODES, ERRORS } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import { RECORD_ROLES, TEXT_PATTERNS } from '../../shared/record-policy.ts'
import { shownValue } from '../schema-text.ts'
import { areDistinct, featureName } from './file-format.ts'

const NAMES_MAX = 10_000

const bucket = z.strictObject({ bucket: z.number().min(1e-9).max(1e15) })

export const redaction = z.union([z.enum(['drop', 'hmac', 'mask']), bucket])

export type RedactionYaml = z.output<typeof redaction>

export const redactions = z
  .record(featureName, redaction)
  .refine((rules) => Object.keys(rules).length <= NAMES_MAX, `has more than ${NAMES_MAX} rules`)

/** A client's id has no bounds that a bucket could have. */
export const idRedaction = z.enum(['drop', 'hmac', 'mask']).nullable()

export const recordedFeatures = z.union([
  z.enum(['declared', 'none']),
  z.array(featureName).max(NAMES_MAX).refine(areDistinct, 'names a feature twice'),
])

export const patterns = z.array(z.enum(TEXT_PATTERNS)).refine(areDistinct, 'names a pattern twice')

export const keptRoles = z.array(z.enum(RECORD_ROLES)).refine(areDistinct, 'names a role twice')

/** All of them in a message would be too many. */
const noCode = (code: string): string => {
  const near = nearest(code, ERROR_CODES)
  const wanted = near === null ? '' : `, like '${near}'`
  return `got ${shownValue(code)}; wanted a code of docs/reference/errors.md${wanted}`
}

export const keptCodes = z
  .array(
    z.string().refine((code) => Object.hasOwn(ERRORS, code), {
      error: ({ input }) => noCode(String(input)),
    }),
  )
  .refine(areDistinct, 'names a code twice')

export const rate = z.number().min(0).max(1)

export const latencyMs = z.number().min(0).max(86_400_000).nullable()
