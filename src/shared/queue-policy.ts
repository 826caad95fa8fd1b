/** How requests of a version may wait: Triton's queue policies and priority levels. */

/** Of one priority level. */
export interface QueuePolicy {
  /**
   * What becomes of a request whose policy time is over before its run has begun. `reject`: it is
   * refused; `delay`: it runs after all that are in time. A deadline of the client is always kept.
   */
  readonly timeoutAction: 'reject' | 'delay'
  /** 0: none. */
  readonly defaultTimeoutUs: number
  /** Whether a request may shorten the default by its `timeout`; it can never lengthen it. */
  readonly allowTimeoutOverride: boolean
  /** Requests that may wait; 0: as many as the limits of the server allow. */
  readonly requestsMax: number
}

/** Of a version. */
export interface QueuePolicies {
  /** Levels 1 (first) to `levels`; 0: there is but one. */
  readonly levels: number
  /** Of a request that names none; 0 without levels. */
  readonly defaultLevel: number
  readonly base: QueuePolicy
  /** Levels whose policy differs from `base`. */
  readonly byLevel: Readonly<Record<number, QueuePolicy>>
}

export const DEFAULT_QUEUE: QueuePolicies = {
  levels: 0,
  defaultLevel: 0,
  base: {
    timeoutAction: 'reject',
    defaultTimeoutUs: 0,
    allowTimeoutOverride: false,
    requestsMax: 0,
  },
  byLevel: {},
}
