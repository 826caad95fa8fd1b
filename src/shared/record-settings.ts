/** How a replica keeps records, whatever its endpoints want of them: fixed for its life. */

/**
 * When an answer may go out: at once; when its record is in a file of this machine (`process`:
 * outlives this process); when it is on the disk (`power`: outlives the machine).
 */
export type Durability = 'memory' | 'process' | 'power'

export interface RecordSettings {
  readonly durability: Durability
  /** Without room: records are dropped and counted, or requests are refused. */
  readonly whenFull: 'drop' | 'wait'
  /** Of the ring of each data thread. */
  readonly ringBytes: number
  /** Largest record of any endpoint. */
  readonly recordBytesMax: number
  /** Of redaction by HMAC; null: there is none. The key itself is nobody's argument. */
  readonly hmac: { readonly keyFile: string; readonly keyId: string } | null
  readonly spool: {
    /** Absolute; of all replicas of the gateway. */
    readonly folder: string
    /** Most bytes of all segments in the folder. */
    readonly bytesMax: number
    readonly segmentBytesMax: number
    readonly segmentMsMax: number
  }
}
