/**
 * Who may ask the data plane, as control tells its replicas: over the socket, so that neither a
 * hash of a key nor a private key stands in argv or is written anywhere.
 */

/** A key, known by its hash alone. */
export interface PlannedKey {
  readonly name: string
  /** SHA-256 of the key, 64 hexadecimal digits in lower case. */
  readonly sha256: string
  /** Endpoints that it may ask; null: all, and what is about all of them. */
  readonly endpoints: readonly string[] | null
  /** Level of its requests, 1 first; 0: that of requests without a key. */
  readonly priority: number
  /** This replica's share of what the key may send; null: no limit. */
  readonly rate: KeyRate | null
}

export interface KeyRate {
  /** Requests per second, on average. */
  readonly perSecond: number
  /** Most requests at once after a pause, from 1. */
  readonly burst: number
}

/** What a server proves itself with, in PEM. */
export interface TlsMaterial {
  /** The certificate, and those that lead to its root. */
  readonly certificate: string
  readonly privateKey: string
  readonly minVersion: TlsVersion
  /**
   * Certificates of which one must sign for every client of the gRPC port; null: none is asked for.
   * HTTP asks nobody.
   */
  readonly clientCa: string | null
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

export interface AccessPlan {
  /** Empty: nobody is asked for a key. */
  readonly keys: readonly PlannedKey[]
  readonly tls: TlsMaterial | null
}

/** Most keys: each request is compared with all of them (access-keys.ts). */
export const KEYS_MAX = 1024

export const encodeAccess = (plan: AccessPlan): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(plan))

/** Of any release: an earlier one knew no certificates of clients. */
export const decodeAccess = (bytes: Uint8Array): AccessPlan => {
  const plan = JSON.parse(new TextDecoder().decode(bytes)) as AccessPlan
  return { ...plan, tls: plan.tls && { ...plan.tls, clientCa: plan.tls.clientCa ?? null } }
}
