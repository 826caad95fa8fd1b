/**
 * What an agent and its data threads say to each other. Control plane only: never per prediction.
 */

import type { MessagePort } from 'node:worker_threads'
import type { PoolFailure, PoolGrant } from '../runtime/pool/pool-messages.ts'
import type { AccessPlan } from '../shared/access-plan.ts'
import type { EpochPlan, PrepareFailure, ReplicaSettings } from '../shared/epoch-plan.ts'
import type { ForwardedAnswer, ForwardedCall } from '../shared/forwarded-call.ts'
import type { LayoutNumbers } from './record-layouts.ts'

/** `workerData` of a data thread. */
export interface DataThreadStart {
  readonly settings: ReplicaSettings
  readonly thread: number
  readonly memory: SharedArrayBuffer
  /** Of spool-memory.ts; null: nothing is written down. */
  readonly records: SharedArrayBuffer | null
}

/** Who may ask, and where each key counts. */
export interface AccessOrder {
  readonly plan: AccessPlan
  /** BigInt64, in shared memory. */
  readonly words: BigInt64Array<ArrayBufferLike>
  /** Of the word of each key. */
  readonly indices: readonly number[]
}

/** A plan as the agent has it prepared. */
export interface PreparePlan {
  readonly plan: EpochPlan
  /** By index of `plan.versions`: what a thread publishes while it runs or loads that version. */
  readonly versionNumbers: readonly number[]
  /** Counter slot by slotKeyText. */
  readonly slots: Readonly<Record<string, number>>
  /** Of records. */
  readonly layouts: LayoutNumbers
}

/** By loadKey: the pooled versions of a plan, or why they have none. */
export type Pools = Readonly<Record<string, PoolGrant | PoolFailure>>

/** Every thread answers once, with the number of the question. Numbers rise and never return. */
export type Question =
  /** The question's number is the plan's: what the committed word will be. */
  | ({ readonly type: 'prepare'; readonly pools: Pools } & PreparePlan)
  | ({ readonly type: 'access' } & AccessOrder)
  /** `grpcPort` null: no gRPC. */
  | { readonly type: 'listen'; readonly port: number; readonly grpcPort: number | null }

export type ToDataThread =
  | (Question & { readonly number: number })
  /** The committed word has changed: leave older epochs although no request comes. */
  | { readonly type: 'committed' }
  /** Accept nothing new, answer what is under way, then end. */
  | { readonly type: 'drain' }
  /** A compute thread has started, or another one in its place. */
  | { readonly type: 'compute_thread'; readonly thread: number; readonly port: MessagePort }
  /** The spool thread has started, or another one in its place: it posts here to wake. */
  | { readonly type: 'spool_thread'; readonly port: MessagePort }
  /** The time for draining is over: end now. */
  | { readonly type: 'close' }
  /** Answer to the thread's own call of that number. */
  | { readonly type: 'answered'; readonly number: number; readonly answer: ForwardedAnswer }

export type Answer =
  | {
      readonly type: 'prepared'
      readonly number: number
      readonly failures: readonly PrepareFailure[]
    }
  | {
      readonly type: 'listening'
      readonly number: number
      readonly engine: 'uws' | 'node'
      /** Why it does not listen; null when it does. */
      readonly failure: string | null
    }
  | {
      readonly type: 'accessTaken'
      readonly number: number
      /** Why the certificate from before stays; null: everything was taken. */
      readonly failure: string | null
    }

export type FromDataThread =
  | Answer
  /** Numbers of the versions that it holds sessions of, whenever that has changed. */
  | { readonly type: 'held'; readonly versions: readonly number[] }
  | { readonly type: 'fault'; readonly requestId: string; readonly detail: string }
  /** The pools that it holds, whenever that has changed. */
  | { readonly type: 'pools'; readonly pools: readonly number[] }
  /** For control. Answered once, under a number that this thread chose. */
  | { readonly type: 'call'; readonly number: number; readonly call: ForwardedCall }
