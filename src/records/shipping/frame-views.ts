/** Typed views over the entries of one frame, all in the same memory. */

export interface FrameViews {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly doubles: Float64Array
  readonly floats: Float32Array
}

/** `bytes` begin at a multiple of 8 of their buffer; views leave out what is no whole element. */
export const frameViews = (bytes: Uint8Array): FrameViews => {
  const { buffer, byteOffset, length } = bytes
  return {
    bytes,
    words: new Int32Array(buffer, byteOffset, length >> 2),
    doubles: new Float64Array(buffer, byteOffset, length >> 3),
    floats: new Float32Array(buffer, byteOffset, length >> 2),
  }
}
