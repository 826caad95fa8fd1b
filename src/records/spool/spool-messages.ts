/** What an agent and its spool thread say to each other. */

import type { MessagePort } from 'node:worker_threads'
import type { Durability } from '../../shared/record-settings.ts'
import type { RecordLayout } from '../record-layout.ts'

export interface SpoolSettings {
  /** Absolute; of all replicas of the gateway. Made if it is not there. */
  readonly folder: string
  readonly gateway: string
  readonly replica: number
  readonly incarnation: number
  /** Data threads. */
  readonly threads: number
  /** Of the ring of each. */
  readonly ringBytes: number
  readonly durability: Durability
  /** Most bytes of all segments in the folder; at most one segment more. */
  readonly bytesMax: number
  /** A segment ends when it has so many bytes, or is so old and not empty. */
  readonly segmentBytesMax: number
  readonly segmentMsMax: number
  /** Key of redaction by HMAC; null: there is none. */
  readonly hmacKey: string | null
}

/** `workerData` of a spool thread. */
export interface SpoolStart {
  readonly settings: SpoolSettings
  /** 0 for the first spool thread of the replica, one more for each that takes its place. */
  readonly generation: number
  /** Block of spool-memory.ts. */
  readonly memory: SharedArrayBuffer
  /** All that entries in the rings may name. */
  readonly layouts: readonly RecordLayout[]
  /**
   * One to each data thread. It gets a message, null, when WANTS_WAKE of its ring is up and DURABLE
   * or SPOOL_STATE has changed; that takes WANTS_WAKE down.
   */
  readonly ports: readonly MessagePort[]
}

/** Each to be followed by `ringBell`. */
export type ToSpool =
  /**
   * Layouts that entries may name once this is answered. `dropped`: ids that no data thread will
   * use again; entries of theirs may still be in the rings.
   */
  | {
      readonly type: 'layouts'
      readonly number: number
      readonly layouts: readonly RecordLayout[]
      readonly dropped: readonly number[]
    }
  /**
   * The data threads `ended` have ended: empty their rings, then end; of the others, which go on,
   * what is there now is taken, and no last word is said. What cannot be written within `limitMs`
   * is counted and lost.
   */
  | { readonly type: 'drain'; readonly limitMs: number; readonly ended: readonly number[] }

export type FromSpool =
  | { readonly type: 'layoutsTaken'; readonly number: number }
  /** SPOOL_STATE has changed. `detail`: why, for people. */
  | { readonly type: 'state'; readonly state: number; readonly detail: string }
  /** Something went wrong that was dealt with: a segment was given up, an entry was damaged. */
  | { readonly type: 'fault'; readonly detail: string }
  /** The rings are empty, or the time was over; the thread ends. `lost`: records. */
  | { readonly type: 'drained'; readonly lost: number }
