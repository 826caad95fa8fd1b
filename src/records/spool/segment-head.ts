/**
 * The preamble of a segment and its HEADER, which says whose it is, and with whose checksum those
 * of all other frames begin. Where nothing but a bit of it has flipped, or its checksum is not its
 * own, it is mended: for the sake of a few bytes a whole segment would be lost.
 */

import {
  checkOf,
  decodeHeader,
  FRAME,
  FRAME_HEAD_BYTES,
  frameBytes,
  isFrameHead,
  PREAMBLE_BYTES,
  readPreamble,
  SEGMENT_VERSION,
  type SegmentHeader,
} from './segment-format.ts'

/** As much of a segment is looked at: a HEADER is some hundreds of bytes. */
export const SEGMENT_HEAD_BYTES = 4096

export interface SegmentHead {
  readonly header: SegmentHeader
  readonly check: number
  /** Behind it. */
  readonly to: number
  /**
   * What was damaged: nothing; a part that is known again for sure; or the checksum, which is right
   * if that of the next frame is.
   */
  readonly damage: 'none' | 'mended' | 'check'
}

/** Why there is none, as SegmentEnd. */
export interface NoHead {
  readonly end: 'open' | 'corrupt' | 'newer' | 'foreign'
  readonly detail: string
}

const WHOLE_PREAMBLE = Uint8Array.of(0x53, 0x4c, 0x53, 0x50, SEGMENT_VERSION, 0, 0, 0)

const isZeros = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** Words of the head of the first frame; null: they are none of a HEADER. */
const headOf = (bytes: Uint8Array): { check: number; length: number; to: number } | null => {
  const view = new DataView(bytes.buffer, bytes.byteOffset + PREAMBLE_BYTES, FRAME_HEAD_BYTES)
  const [check, length] = [view.getUint32(0, true), view.getUint32(4, true)]
  const [kind, spare] = [view.getUint32(8, true), view.getUint32(12, true)]
  if (kind !== FRAME.HEADER || !isFrameHead(length, kind, spare)) return null
  return { check, length, to: PREAMBLE_BYTES + frameBytes(length) }
}

/** The HEADER in these bytes, whatever lies before it; null: there is none that is whole. */
const findHeader = (bytes: Uint8Array, isChecked = true): Omit<SegmentHead, 'damage'> | null => {
  const head = headOf(bytes)
  if (head === null || head.to > bytes.length) return null
  const check = checkOf(bytes, PREAMBLE_BYTES, head.to, 0)
  if (isChecked && check !== head.check) return null
  const from = PREAMBLE_BYTES + FRAME_HEAD_BYTES
  const header = decodeHeader(bytes.subarray(from, from + head.length))
  return header === null ? null : { header, check, to: head.to }
}

/**
 * Texts of such a length with the same CRC-32 differ in four bits or more: what is right once a bit
 * is flipped back is what was written.
 */
const mend = (damaged: Uint8Array): SegmentHead | null => {
  const bytes = damaged.slice()
  const last = headOf(bytes)?.to ?? PREAMBLE_BYTES + FRAME_HEAD_BYTES
  for (let bit = 8 * PREAMBLE_BYTES; bit < 8 * Math.min(last, bytes.length); bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    const found = findHeader(bytes)
    if (found !== null) return { ...found, damage: 'mended' }
    bytes[bit >> 3]! ^= 1 << (bit & 7)
  }
  const found = findHeader(bytes, false)
  return found === null ? null : { ...found, damage: 'check' }
}

const none = (end: NoHead['end'], detail = ''): NoHead => ({ end, detail })

/** Why there is no HEADER in these bytes, in which a whole head of a frame has room. */
const whyNone = (bytes: Uint8Array): NoHead => {
  if (isZeros(bytes.subarray(PREAMBLE_BYTES, PREAMBLE_BYTES + FRAME_HEAD_BYTES)))
    return none('open')
  const head = headOf(bytes)
  if (head === null) return none('corrupt', `no header at ${PREAMBLE_BYTES}`)
  const isCutOff = head.to > bytes.length && bytes.length < SEGMENT_HEAD_BYTES
  return isCutOff ? none('open') : none('corrupt', `a wrong checksum at ${PREAMBLE_BYTES}`)
}

/** Whether a bit of the version has flipped: later ones leave out 3, 5, 9 and so on. */
const isFlipped = (version: number): boolean =>
  Number.isInteger(Math.log2((version ^ SEGMENT_VERSION) >>> 0))

/** @param bytes the first SEGMENT_HEAD_BYTES of a segment, or as many as there are */
export const readHead = (bytes: Uint8Array): SegmentHead | NoHead => {
  if (bytes.length < PREAMBLE_BYTES) {
    const isBegun = bytes.every((byte, i) => byte === WHOLE_PREAMBLE[i])
    return none(isBegun || isZeros(bytes) ? 'open' : 'foreign')
  }
  const version = readPreamble(bytes)
  const isFound = bytes.length >= PREAMBLE_BYTES + FRAME_HEAD_BYTES
  const found = isFound ? findHeader(bytes) : null
  if (version > SEGMENT_VERSION && !(found !== null && isFlipped(version))) {
    return none('newer', `version ${version}`)
  }
  if (found !== null) return { ...found, damage: version === SEGMENT_VERSION ? 'none' : 'mended' }
  const mended = isFound ? mend(bytes) : null
  if (mended !== null) return mended
  if (version === 0) return none(isZeros(bytes.subarray(0, PREAMBLE_BYTES)) ? 'open' : 'foreign')
  return isFound ? whyNone(bytes) : none('open')
}
