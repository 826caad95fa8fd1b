/** A schema in words: for messages about values that it refuses, and for the reference pages. */

import type { z } from 'zod'

/** What is used of JSON Schema. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>
  /** Schema of the values of a map with free keys; false where no other key is taken. */
  readonly additionalProperties?: JsonSchema | boolean
  readonly description?: string
  readonly default?: unknown
  /** Ours: what a change costs. */
  readonly change?: string
  /** Keys that a map must have. */
  readonly required?: readonly string[]
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxItems?: number
}

/** What may be written, before defaults are put in. */
export const toJsonSchema = (schema: z.ZodType): JsonSchema =>
  schema.toJSONSchema({ io: 'input' }) as JsonSchema

const childAt = (at: JsonSchema | undefined, key: PropertyKey): JsonSchema | undefined => {
  if (at?.anyOf !== undefined) {
    const found = at.anyOf.map((choice) => childAt(choice, key))
    return found.find((child) => child !== undefined)
  }
  if (typeof key === 'number') return at?.items
  const { properties = {}, additionalProperties: others } = at ?? {}
  if (Object.hasOwn(properties, key)) return properties[String(key)]
  return typeof others === 'object' ? others : undefined
}

/** The schema of a value within maps and lists; undefined where there is none. */
export const schemaAt = (
  schema: JsonSchema,
  path: readonly PropertyKey[],
): JsonSchema | undefined => path.reduce<JsonSchema | undefined>(childAt, schema)

/** `server:` with nothing below it, as a section whose keys are all commented out looks. */
export const withoutEmptySections = (value: unknown, schema: JsonSchema): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => {
      const isSection = schemaAt(schema, [key])?.properties !== undefined
      return [key, child === null && isSection ? {} : child]
    }),
  )
}

const TYPE_WORDS: Readonly<Record<string, string>> = { object: 'map', array: 'list' }

/** `a`, `b` or `c` */
export const oneOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`

/** `uws` or `node`; integer 0 to 65535; list of integer 1 to 65536, at most 64 */
export const typeText = (schema: JsonSchema): string => {
  if (schema.anyOf !== undefined) return oneOf(schema.anyOf.map(choiceText))
  if (schema.enum !== undefined) return oneOf(schema.enum.map((value) => `\`${value}\``))
  if (schema.const !== undefined) return `\`${schema.const}\``
  const { minimum, maximum, minLength = 0, maxItems, type = 'any value' } = schema
  if (schema.items !== undefined) {
    const bound = maxItems === undefined ? '' : `, at most ${maxItems}`
    return `list of ${typeText(schema.items)}${bound}`
  }
  if (minLength > 0) return 'non-empty string'
  const bounds = minimum === undefined || maximum === undefined ? '' : ` ${minimum} to ${maximum}`
  return `${TYPE_WORDS[type] ?? type}${bounds}`
}

/** One of several things: a map is told by its keys. */
const choiceText = (schema: JsonSchema): string => {
  const keys = (schema.required ?? []).map((key) => `\`${key}\``)
  return keys.length === 0 ? typeText(schema) : `map with ${keys.join(', ')}`
}

/** All words that a schema accepts: for the nearest one to a misspelt word. */
export const wordsOf = (schema: JsonSchema): string[] => [
  ...[...(schema.enum ?? []), schema.const].filter((word) => typeof word === 'string'),
  ...(schema.anyOf ?? []).flatMap(wordsOf),
]

/** Keys of a map, whichever of several it is. */
export const keysOf = ({ properties = {}, anyOf = [] }: JsonSchema): string[] => [
  ...Object.keys(properties),
  ...anyOf.flatMap(keysOf),
]

/** One setting: a key that holds a value, not a section. */
export interface Leaf {
  readonly path: readonly string[]
  readonly schema: JsonSchema
}

/** All settings of a schema, in its order. */
export const leavesOf = (schema: JsonSchema, prefix: readonly string[] = []): Leaf[] =>
  Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    Object.keys(child.properties ?? {}).length === 0
      ? [{ path: [...prefix, key], schema: child }]
      : leavesOf(child, [...prefix, key]),
  )

const SHOWN_LENGTH_MAX = 60

/** The beginning of a long text. */
export const shortened = (text: string): string =>
  text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}...` : text

/** A value as a message shows it: short, on one line, never a whole tree. */
export const shownValue = (value: unknown): string => {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  if (typeof value !== 'string') return String(value)
  return JSON.stringify(shortened(value))
}
