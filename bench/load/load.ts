/** What load is asked for, and what came of it. */

export interface Target {
  readonly port: number
  readonly path: string
  /** Its bytes as latin1. */
  readonly body: string
  /** Header lines, `name: value`; content-type among them. */
  readonly headers: readonly string[]
}

export interface LoadPlan {
  readonly target: Target
  readonly connections: number
  /** At most: SIGTERM ends it before. */
  readonly seconds: number
  /** Requests a second in the open loop; null: closed loop. */
  readonly perSecond: number | null
}

/** The line that says that all connections are open, and the load begins. */
export const BEGUN = 'begun'

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Answers other than 200 and connections that broke. */
  readonly failures: number
  /** Those of them that were answers. */
  readonly badAnswers: number
  readonly latencyUs: { readonly p50: number; readonly p99: number; readonly highest: number }
}

/** Of a generator, which looks into every answer. */
export interface GeneratorResult extends LoadResult {
  /** Answers whose prediction id was looked at, and how many ids had been seen before. */
  readonly idsChecked: number
  readonly idsTwice: number
  /** The first answer that was not wanted, for the message. */
  readonly firstFailure: string | null
}
