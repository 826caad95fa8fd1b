/** JSON that others wrote, before anything is known of it. */

/** A JSON object whose values may be anything. */
export type Fields = Readonly<Record<string, unknown>>

/** Whether a value is an object with keys: no list, not null. */
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
