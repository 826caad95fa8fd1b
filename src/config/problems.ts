/** From zod's issues to sentences with a place and a hint. */

import type { z } from 'zod'
import { nearest } from '../shared/nearest.ts'
import type { ConfigProblem } from './config.ts'
import { schemaAt, shownValue, toJsonSchema, typeText, wordsOf } from './schema-text.ts'

/** Where a value came from, so that its problem can be located. */
export type Locate = (
  path: readonly PropertyKey[],
) => Pick<ConfigProblem, 'source' | 'line' | 'column'>

/** Hints that only the author of a schema can give, by dotted key. */
export type Hints = Readonly<Record<string, string>>

const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.')

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<PropertyKey, unknown>)[key]
        : undefined,
    value,
  )

/** Not an inherited property: a key may be called `__proto__`. */
const ownHint = (hints: Hints, path: string): string | undefined =>
  Object.hasOwn(hints, path) ? hints[path] : undefined

const isNumeric = (text: string): boolean => text.trim() !== '' && Number.isFinite(Number(text))

/** What was found and what is wanted. zod's own words where a rule of ours was broken. */
const messageOf = (issue: z.core.$ZodIssue, value: unknown, wanted: string | null): string => {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  if (issue.code === 'custom' || issue.code === 'invalid_format' || wanted === null) {
    return issue.message
  }
  return value === undefined
    ? `is missing; wanted ${wanted}`
    : `got ${shownValue(value)}; wanted ${wanted}`
}

/** All problems of a failed parse, located; unknown keys one by one, each with the nearest name. */
export const problemsOf = (
  error: z.ZodError,
  schema: z.ZodType,
  input: unknown,
  { locate, hints = {} }: { readonly locate: Locate; readonly hints?: Hints },
): ConfigProblem[] => {
  const json = toJsonSchema(schema)
  return error.issues.flatMap((issue): ConfigProblem[] => {
    const at = schemaAt(json, issue.path)
    if (issue.code !== 'unrecognized_keys') {
      const value = valueAt(input, issue.path)
      const message = messageOf(issue, value, at === undefined ? null : typeText(at))
      const path = dotted(issue.path)
      const isQuoted =
        typeof value === 'string' && isNumeric(value) && issue.code === 'invalid_type'
      const near = typeof value === 'string' ? nearest(value, at ? wordsOf(at) : []) : null
      const hint = near === null ? (isQuoted ? 'without quotes' : null) : `did you mean '${near}'?`
      return [{ ...locate(issue.path), path, message, hint: ownHint(hints, path) ?? hint }]
    }
    const known = Object.keys(at?.properties ?? {})
    return issue.keys.map((key) => {
      const path = dotted([...issue.path, key])
      const near = nearest(key, known)
      const hint = near === null ? `known keys: ${known.join(', ')}` : `did you mean '${near}'?`
      const message = `Unknown key '${key}'`
      return { ...locate([...issue.path, key]), path, message, hint: ownHint(hints, path) ?? hint }
    })
  })
}

/** `sluice.yaml:12:5  server.http_port: got 70000; wanted integer 0 to 65535  (hint)` */
export const formatProblem = ({ source, line, column, path, message, hint }: ConfigProblem) => {
  const place = line > 0 ? `${source}:${line}:${column}` : source
  const key = path === '' ? '' : `${path}: `
  return `${place}  ${key}${message}${hint === null ? '' : `  (${hint})`}`
}
