/** What the last binary OIP requests of a variant said before their tensors. */

import type { OipRequest } from './oip-request.ts'

/** Longest JSON part that is kept, and how many: one for each size of batch that is usual. */
const JSON_BYTES_MAX = 4096
const KEPT_MAX = 4

interface Kept {
  readonly json: Uint8Array
  readonly tailBytes: number
  readonly request: OipRequest
}

const startsWith = (body: Uint8Array, json: Uint8Array): boolean => {
  for (let i = 0; i < json.length; i++) if (body[i] !== json[i]) return false
  return true
}

export class OipHeaders {
  readonly #kept: Kept[] = []
  #next = 0

  /** What such a JSON part said, with as many bytes behind it; null: it is a new one. */
  find(body: Uint8Array, jsonBytes: number): OipRequest | null {
    for (const { json, tailBytes, request } of this.#kept) {
      if (json.length !== jsonBytes || body.length - jsonBytes !== tailBytes) continue
      if (startsWith(body, json)) return request
    }
    return null
  }

  /** Keeps what was read, in the place of the oldest; not where elements stand in the JSON. */
  keep(body: Uint8Array, jsonBytes: number, request: OipRequest): void {
    const hasColumns = request.inputs.some(({ column }) => column !== null)
    if (hasColumns || jsonBytes > JSON_BYTES_MAX) return
    const tailBytes = body.length - jsonBytes
    const json = new Uint8Array(body.subarray(0, jsonBytes)) // a copy, of a Buffer too
    this.#kept[this.#next] = { json, tailBytes, request }
    this.#next = (this.#next + 1) % KEPT_MAX
  }
}
