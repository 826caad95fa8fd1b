/** How much a peer may send (RFC 9113, 5.2): what the server grants, and what was used of it. */

import { FRAME, SETTING } from './frames.ts'
import type { Http2Peer } from './peer.ts'

/** Until the server says otherwise. */
const FIRST_BYTES = 65_535
/** An identifier of 2 bytes and a value of 4. */
const SETTING_BYTES = 6

/** What the settings of the server grant a stream at first. */
const grantedAtFirst = (peer: Http2Peer): number => {
  for (const { payload } of peer.of(FRAME.settings)) {
    for (let at = 0; at + SETTING_BYTES <= payload.length; at += SETTING_BYTES) {
      if (payload.readUInt16BE(at) === SETTING.initialWindowSize)
        return payload.readUInt32BE(at + 2)
    }
  }
  return FIRST_BYTES
}

export class SendWindows {
  readonly #peer: Http2Peer
  readonly #streams: Map<number, number>
  #connection = FIRST_BYTES
  /** Frames that were looked at. */
  #seen = 0

  /** `streams`: those to be sent on. The settings of the server have come. */
  constructor(peer: Http2Peer, streams: readonly number[]) {
    this.#peer = peer
    this.#streams = new Map(streams.map((stream) => [stream, grantedAtFirst(peer)]))
  }

  #look(): void {
    const updates = this.#peer.of(FRAME.windowUpdate)
    for (const { stream, payload } of updates.slice(this.#seen)) {
      const increment = payload.readUInt32BE(0)
      const granted = this.#streams.get(stream)
      if (stream === 0) this.#connection += increment
      else if (granted !== undefined) this.#streams.set(stream, granted + increment)
    }
    this.#seen = updates.length
  }

  /** The stream that is granted most takes so many bytes; null: none does. */
  take(bytes: number): number | null {
    this.#look()
    if (this.#connection < bytes) return null
    let most = bytes - 1
    let best: number | null = null
    for (const [stream, granted] of this.#streams) {
      if (granted <= most) continue
      if (this.#peer.hasEnded(stream)) this.#streams.delete(stream)
      else [most, best] = [granted, stream]
    }
    if (best === null) return null
    this.#connection -= bytes
    this.#streams.set(best, most - bytes)
    return best
  }
}
