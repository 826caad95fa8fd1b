/** Keys of the data plane, as `access.keys` and the keys file list them. */

import { z } from 'zod'
import { KEYS_MAX } from '../../shared/access-plan.ts'
import { areDistinct } from './file-format.ts'
import { count } from './setting.ts'

const RATE_MAX = 1_000_000

/** Whoever writes the key itself here has given it away: it is not repeated in the message. */
const sha256 = z
  .string()
  .regex(
    /^[0-9a-f]{64}$/,
    'is no SHA-256 in 64 lower-case hexadecimal digits: see `sluice key new`',
  )

const endpoints = z
  .array(z.string().min(1))
  .min(1)
  .refine((names) => names.length < 2 || !names.includes('*'), '"*" is all; leave out the others')

const apiKey = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'wanted 1 to 64 of A-Z a-z 0-9 . _ -'),
  sha256,
  endpoints,
  requests_per_second: z.number().min(0.001).max(RATE_MAX).nullable().default(null),
  burst: count(1, RATE_MAX).nullable().default(null),
  priority: count(1, 1_000_000).nullable().default(null),
})

export type ApiKeyYaml = z.output<typeof apiKey>

export const apiKeys = z
  .array(apiKey)
  .max(KEYS_MAX)
  .refine((keys) => areDistinct(keys.map(({ name }) => name)), 'names a key twice')
  .refine((keys) => areDistinct(keys.map((key) => key.sha256)), 'lists a hash twice')
