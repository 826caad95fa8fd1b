/** Origins of web pages (RFC 6454 §6.2), as `cors.origins` lists them and browsers send them. */

import { z } from 'zod'
import { shownValue } from '../schema-text.ts'

const ORIGINS_MAX = 100
const ALL = '*'

/** Schemes of a browser's own pages, such as those of extensions: URL says `null` of them. */
const OTHER_SCHEME = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(:\d{1,5})?$/

/** What is wrong with an origin; null: nothing. They are compared byte by byte. */
export const originFault = (text: string): string | null => {
  if (text === ALL) return null
  if (text === 'null') return 'pages of no origin say null, and so can every hostile page'
  if (text.includes(ALL)) return 'patterns are not supported: list each origin, or "*" alone'
  const url = URL.parse(text)
  if (url === null || !text.includes('://')) return 'wanted scheme://host, or scheme://host:port'
  if (url.username !== '' || url.password !== '') return 'an origin has no user name or password'
  if (url.search !== '' || url.hash !== '') return 'an origin has no query and no fragment'
  if (url.pathname.length > 1) return 'an origin has no path'
  if (text.endsWith('/')) return 'an origin has no slash at its end'
  if (url.origin === text || (url.origin === 'null' && OTHER_SCHEME.test(text))) return null
  return url.origin === 'null' ? 'wanted lower case' : `browsers send it as ${url.origin}`
}

const origin = z.string().superRefine((text, context) => {
  const fault = originFault(text)
  if (fault !== null) {
    context.addIssue({ code: 'custom', message: `got ${shownValue(text)}; ${fault}` })
  }
})

/** Distinct origins, or `*` alone for all. */
export const origins = z
  .array(origin)
  .max(ORIGINS_MAX)
  .refine((list) => list.length < 2 || !list.includes(ALL), '"*" allows all; leave out the others')
