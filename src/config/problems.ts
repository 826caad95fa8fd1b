/** From zod's issues to sentences with a place and a hint. */

import type { z } from 'zod'
import { type ErrorCode, refuse } from '../shared/errors.ts'
import { nearest } from '../shared/nearest.ts'
import type { ConfigProblem, FileRefusal } from './config.ts'
import {
  type JsonSchema,
  keysOf,
  leavesOf,
  schemaAt,
  shownValue,
  toJsonSchema,
  typeText,
  wordsOf,
} from './schema-text.ts'
import { unitHint } from './unit-hint.ts'

/** Where a value came from, so that its problem can be located. */
export type Locate = (
  path: readonly PropertyKey[],
) => Pick<ConfigProblem, 'source' | 'line' | 'column'>

/** Hints that only the author of a schema can give, by dotted key. */
export type Hints = Readonly<Record<string, string>>

/** More help nobody, and a file may hold millions of wrong values. */
const ISSUES_MAX = 100

export const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.')

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

const takesNumbers = ({ type, anyOf }: JsonSchema): boolean =>
  type === 'integer' || type === 'number' || (anyOf?.some(takesNumbers) ?? false)

const normal = (name: string): string => name.toLowerCase().replaceAll(/[-_. ]/g, '')

type Issue = z.core.$ZodIssue

/** What was found and what is wanted. zod's own words where a rule of ours was broken. */
const messageOf = (issue: Issue, value: unknown, wanted: string | null): string => {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message
  if (issue.code === 'custom' || issue.code === 'invalid_format' || wanted === null) {
    return issue.message
  }
  return value === undefined
    ? `is missing; wanted ${wanted}`
    : `got ${shownValue(value)}; wanted ${wanted}`
}

export const didYouMean = (name: string): string => `did you mean '${name}'?`

const valueHint = (path: string, value: unknown, at: JsonSchema | undefined): string | null => {
  if (typeof value !== 'string' || at === undefined) return null
  const near = nearest(value, wordsOf(at))
  if (near !== null) return didYouMean(near)
  if (!takesNumbers(at)) return null
  return isNumeric(value) ? 'without quotes' : unitHint(path, value)
}

/** A key that exists, but in another section, is named with it. */
const keyHint = (key: string, at: JsonSchema | undefined, root: JsonSchema): string => {
  const known = at === undefined ? [] : keysOf(at)
  const near = nearest(key, known)
  if (near !== null) return didYouMean(near)
  const elsewhere = leavesOf(root).filter(({ path }) => normal(path.at(-1)!) === normal(key))
  return elsewhere.length > 0
    ? didYouMean(elsewhere.map(({ path }) => dotted(path)).join("' or '"))
    : `known keys: ${known.join(', ')}`
}

/** The paths that a failed parse complains about, those of unknown keys included. */
export const wrongPaths = ({ issues }: z.ZodError): PropertyKey[][] =>
  issues
    .slice(0, ISSUES_MAX)
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.slice(0, ISSUES_MAX).map((key) => [...issue.path, key])
        : [issue.path],
    )

/** Of a value that may be one of several things: what is wrong with the one that it can be. */
const narrowed = (issue: Issue, input: unknown): Issue[] => {
  const value = valueAt(input, issue.path)
  if (issue.code !== 'invalid_union' || typeof value !== 'object' || value === null) return [issue]
  const isWithin = (each: Issue) => each.path.length > 0 || each.code === 'unrecognized_keys'
  const [found, ...others] = issue.errors.filter((errors) => errors.every(isWithin))
  if (found === undefined || others.length > 0) return [issue]
  return found.map((each) => ({ ...each, path: [...issue.path, ...each.path] }))
}

/** All problems of a failed parse, located; unknown keys one by one, each with the nearest name. */
export const problemsOf = (
  error: z.ZodError,
  schema: z.ZodType,
  input: unknown,
  { locate, hints = {} }: { readonly locate: Locate; readonly hints?: Hints },
): ConfigProblem[] => {
  const json = toJsonSchema(schema)
  const issues = error.issues.slice(0, ISSUES_MAX).flatMap((issue) => narrowed(issue, input))
  return issues.slice(0, ISSUES_MAX).flatMap((issue): ConfigProblem[] => {
    const at = schemaAt(json, issue.path)
    if (issue.code !== 'unrecognized_keys') {
      const value = valueAt(input, issue.path)
      const message = messageOf(issue, value, at === undefined ? null : typeText(at))
      const path = dotted(issue.path)
      const hint = ownHint(hints, path) ?? valueHint(path, value, at)
      return [{ ...locate(issue.path), path, message, hint }]
    }
    return issue.keys.slice(0, ISSUES_MAX).map((key) => {
      const path = dotted([...issue.path, key])
      const hint = ownHint(hints, path) ?? keyHint(key, at, json)
      return { ...locate([...issue.path, key]), path, message: `Unknown key '${key}'`, hint }
    })
  })
}

const FLAG = '--'
const VARIABLE = /^(SLUICE|OTEL)_/

/** Files first, in the order of their lines, then variables, then flags. */
export const inOrder = <T extends ConfigProblem>(problems: readonly T[]): T[] => {
  const rank = ({ source }: ConfigProblem): number =>
    source.startsWith(FLAG) ? 2 : VARIABLE.test(source) ? 1 : 0
  return problems.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column)
}

/** `sluice.yaml:12:5  server.http_port: got 70000; wanted integer 0 to 65535  (hint)` */
export const formatProblem = ({ source, line, column, path, message, hint }: ConfigProblem) => {
  const place = line > 0 ? `${source}:${line}:${column}` : source
  const key = path === '' ? '' : `${path}: `
  return `${place}  ${key}${message}${hint === null ? '' : `  (${hint})`}`
}

const PROBLEMS_SHOWN_MAX = 5

/** A file that is refused for its problems, the first of which are said in the detail. */
export const refuseFile = (code: ErrorCode, problems: readonly ConfigProblem[]): FileRefusal => {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map(formatProblem).join('; ')
  const more = problems.length - PROBLEMS_SHOWN_MAX
  return { ...refuse(code, more > 0 ? `${shown}; and ${more} more` : shown), problems }
}
