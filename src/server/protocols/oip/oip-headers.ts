/**
 * What the last binary OIP requests of a variant said before their tensors. Clients say the same
 * again, but for the id: then their JSON part is compared, not read, which takes 0.3 us where
 * reading takes 8 (one input; `npm run bench -- micro binary`).
 */

import { scanText, textEnd } from '../../json/text-scanner.ts'
import { BODY_ID_LENGTH_MAX, type Decoded } from '../protocol.ts'
import type { OipRequest } from './oip-request.ts'

/** Longest JSON part that is kept, and how many: one for each size of batch that is usual. */
const JSON_BYTES_MAX = 4096
const KEPT_MAX = 4

interface Kept {
  readonly request: OipRequest
  readonly json: Uint8Array
  /** Where the value of the id stands, and where it has ended; the end of all without one. */
  readonly idAt: number
  readonly restAt: number
  readonly tailBytes: number
}

/** Whether the bytes `from .. to - 1` of `json` stand at `at`. */
const standsAt = (
  body: Uint8Array,
  at: number,
  json: Uint8Array,
  from: number,
  to: number,
): boolean => {
  for (let i = from; i < to; i++) if (body[at - from + i] !== json[i]) return false
  return true
}

/** Whether the JSON part of a body is the same but for a plain id, which `decoded` then has. */
const isSame = (
  { json, idAt, restAt, tailBytes }: Kept,
  body: Uint8Array,
  decoded: Decoded,
): boolean => {
  const { jsonBytes } = decoded
  if (body.length - jsonBytes !== tailBytes || !standsAt(body, 0, json, 0, idAt)) return false
  if (idAt === json.length) return idAt === jsonBytes
  const id = scanText(body, idAt)
  const isPlain = textEnd >= 0 && id.length <= BODY_ID_LENGTH_MAX
  if (!isPlain || textEnd + json.length - restAt !== jsonBytes) return false
  if (!standsAt(body, textEnd, json, restAt, json.length)) return false
  decoded.bodyId = id
  return true
}

export class OipHeaders {
  readonly #kept: Kept[] = []
  #next = 0

  /** The request that such a JSON part stands for, the id apart; null where it is a new one. */
  find(body: Uint8Array, decoded: Decoded): OipRequest | null {
    for (const kept of this.#kept) if (isSame(kept, body, decoded)) return kept.request
    return null
  }

  /**
   * Keeps what was read, in the place of the oldest; not where elements stand in the JSON.
   *
   * @param jsonBytes as of `Decoded`, and not -1
   */
  keep(body: Uint8Array, jsonBytes: number, request: OipRequest): void {
    const { inputs, idAt } = request
    if (jsonBytes > JSON_BYTES_MAX || inputs.some(({ column }) => column !== null)) return
    const hasId = idAt >= 0
    if (hasId) scanText(body, idAt)
    if (hasId && textEnd < 0) return // not plain
    this.#kept[this.#next] = {
      request,
      json: new Uint8Array(body.subarray(0, jsonBytes)), // a copy, of a Buffer too
      idAt: hasId ? idAt : jsonBytes,
      restAt: hasId ? textEnd : jsonBytes,
      tailBytes: body.length - jsonBytes,
    }
    this.#next = (this.#next + 1) % KEPT_MAX
  }
}
