/** What becomes of a batch of feedback, once it is answered. */

import { parsed, problemOf } from './client.ts'

/** An answer as far as it matters here. */
export interface BatchAnswer {
  readonly status: number
  readonly text: string
  /** Header `retry-after`. */
  readonly retryAfter: string | null
}

export interface Rejected {
  /** Index in the batch. */
  readonly index: number
  readonly reason: string
}

/**
 * - `done`: all are recorded.
 * - `again`: the first `taken` are; those behind, but for the rejected ones, are to be sent again.
 * - `stop`: none is, and none will be.
 */
export type Outcome =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'again'
      readonly taken: number
      readonly rejected: readonly Rejected[]
      /** Nothing is to be waited for: rows have been taken out. */
      readonly isAtOnce: boolean
      /** null: the server does not say. */
      readonly waitMs: number | null
      readonly code: string | undefined
      readonly detail: string
    }
  | { readonly kind: 'stop'; readonly code: string | undefined; readonly detail: string }

/** What has not been taken, and may be another time. */
export const againLater = (waitMs: number | null) =>
  ({ kind: 'again', taken: 0, rejected: [], isAtOnce: false, waitMs }) as const

const WAIT_MS_MAX = 30_000

/** Index and reason of each fault that is about one item: pointers are `/12` or `/12/label`. */
const faultsOf = (text: string, count: number): Rejected[] => {
  const { errors } = (parsed(text) ?? {}) as { errors?: unknown }
  if (!Array.isArray(errors)) return []
  const byIndex = new Map<number, string>()
  for (const { pointer, detail } of errors as { pointer?: unknown; detail?: unknown }[]) {
    const index = Number(/^\/(\d{1,6})(?:\/|$)/.exec(String(pointer))?.[1] ?? Number.NaN)
    if (index < count && !byIndex.has(index)) byIndex.set(index, String(detail))
  }
  return [...byIndex]
    .map(([index, reason]) => ({ index, reason }))
    .sort((a, b) => a.index - b.index)
}

const waitMs = (retryAfter: string | null): number | null => {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter)
  return seconds >= 0 ? Math.min(WAIT_MS_MAX, seconds * 1000) : null
}

/** Of an answer to `count` items. */
export const outcomeOf = (count: number, answer: BatchAnswer): Outcome => {
  const { status, text, retryAfter } = answer
  if (status === 202) return { kind: 'done' }
  const { code, detail = `answered ${status}` } = problemOf(text)
  const faults = faultsOf(text, count)
  if (status === 501 || (status < 500 && status !== 429 && faults.length === 0)) {
    return { kind: 'stop', code, detail }
  }
  if (status < 500 && status !== 429) {
    return { ...againLater(null), rejected: faults, isAtOnce: true, code, detail }
  }
  // Without room for the record of one, those before it are recorded.
  const taken = code === 'RECORD_UNAVAILABLE' ? (faults[0]?.index ?? 0) : 0
  return { ...againLater(waitMs(retryAfter)), taken, code, detail }
}
