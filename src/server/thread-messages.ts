/** What an agent and its data threads say to each other. Control plane only: never per request. */

import type { EpochPlan, PrepareFailure, ReplicaSettings } from '../shared/epoch-plan.ts'

/** `workerData` of a data thread. */
export interface DataThreadStart {
  readonly settings: ReplicaSettings
  readonly thread: number
  readonly memory: SharedArrayBuffer
}

export type ToDataThread =
  | {
      readonly type: 'prepare'
      readonly plan: EpochPlan
      /** Counter slot by slotKeyText. */
      readonly slots: Readonly<Record<string, number>>
    }
  /** The epoch word has changed: leave older epochs although no request comes. */
  | { readonly type: 'committed' }
  | { readonly type: 'listen'; readonly port: number }
  | { readonly type: 'drain' }
  /** The time for draining is over. */
  | { readonly type: 'close' }

export type FromDataThread =
  | {
      readonly type: 'prepared'
      readonly epoch: number
      readonly failures: readonly PrepareFailure[]
    }
  | { readonly type: 'listening'; readonly port: number; readonly engine: 'uws' | 'node' }
  | { readonly type: 'listenFailed'; readonly detail: string }
  /** No request and no socket is left on this thread. */
  | { readonly type: 'drained' }
  | { readonly type: 'fault'; readonly requestId: string; readonly detail: string }
