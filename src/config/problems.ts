/** From zod's issues to sentences with a place and a hint. */

import type { z } from 'zod'
import { nearest } from '../shared/nearest.ts'
import type { ConfigProblem } from './config.ts'

/** Keys that a schema knows at a path; empty where it is no object. */
export const keysAt = (schema: z.ZodType, path: readonly PropertyKey[]): string[] => {
  let json = JSON.parse(JSON.stringify(toJson(schema))) as JsonSchema | undefined
  for (const key of path) json = json?.properties?.[String(key)]
  return Object.keys(json?.properties ?? {})
}

export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly description?: string
  readonly default?: unknown
  readonly change?: string
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly maximum?: number
}

const toJson = (schema: z.ZodType): object => schema.toJSONSchema({ io: 'input' })

/** Where a value came from, so that its problem can be located. */
export type Locate = (
  path: readonly PropertyKey[],
) => Pick<ConfigProblem, 'source' | 'line' | 'column'>

const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.')

/** All problems of a failed parse, located; unknown keys singly, with the nearest right name. */
export const problemsOf = (error: z.ZodError, schema: z.ZodType, locate: Locate): ConfigProblem[] =>
  error.issues.flatMap((issue): ConfigProblem[] => {
    if (issue.code !== 'unrecognized_keys') {
      const place = locate(issue.path)
      return [{ ...place, path: dotted(issue.path), message: issue.message, hint: null }]
    }
    const known = keysAt(schema, issue.path)
    return issue.keys.map((key) => {
      const path = [...issue.path, key]
      const near = nearest(key, known)
      const hint = near === null ? `known keys: ${known.join(', ')}` : `did you mean '${near}'?`
      return { ...locate(path), path: dotted(path), message: `Unknown key '${key}'`, hint }
    })
  })

/** `sluice.yaml:12:5  server.http_port: Too big ...  (hint)` */
export const formatProblem = ({ source, line, column, path, message, hint }: ConfigProblem) => {
  const place = line > 0 ? `${source}:${line}:${column}` : source
  const key = path === '' ? '' : `${path}: `
  return `${place}  ${key}${message}${hint === null ? '' : `  (${hint})`}`
}
