/** Memory that answers of bytes are written into, whatever their format. */

/** Kept for the next answer up to this size: one that is larger has memory of its own. */
const KEPT_BYTES_MAX = 1024 * 1024
let kept = Buffer.allocUnsafeSlow(16 * 1024)

/** Whether bytes of `takeBuffer` are nobody else's ever after, by how many they are. */
export const isOwnBuffer = (bytes: number): boolean => bytes > KEPT_BYTES_MAX

/** So many bytes, which are the caller's until the next answer. */
export const takeBuffer = (bytes: number): Buffer => {
  if (bytes > KEPT_BYTES_MAX) return Buffer.allocUnsafeSlow(bytes)
  if (bytes > kept.length) kept = Buffer.allocUnsafeSlow(Math.max(bytes, kept.length * 2))
  return kept.subarray(0, bytes)
}
