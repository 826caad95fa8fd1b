/** MurmurHash3 x86 32-bit (Austin Appleby, public domain), over UTF-8 bytes. */

const rotateLeft = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits))

const mix = (block: number): number =>
  Math.imul(rotateLeft(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593)

/** Unsigned 32-bit hash of the first `length` bytes. */
export const murmur3 = (bytes: Uint8Array, length = bytes.length, seed = 0): number => {
  let hash = seed | 0
  const blocksEnd = length & ~3
  for (let i = 0; i < blocksEnd; i += 4) {
    const block = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    hash = (Math.imul(rotateLeft(hash ^ mix(block), 13), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let i = length - 1; i >= blocksEnd; i--) tail = (tail << 8) | bytes[i]!
  if (blocksEnd < length) hash ^= mix(tail)
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
