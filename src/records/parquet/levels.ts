/** Parquet's hybrid of run-length encoding and bit packing, least significant bit first. */

/** Bits that numbers up to `max` need; 0 for 0. */
export const bitWidthOf = (max: number): number => 32 - Math.clz32(max)

const VARINT_BYTES_MAX = 5

const putVarint = (into: Uint8Array, at: number, value: number): number => {
  let rest = value
  let next = at
  for (; rest >= 0x80; rest >>>= 7) into[next++] = (rest & 0x7f) | 0x80
  into[next++] = rest
  return next
}

/** Bytes that `count` packed numbers take at most. */
export const packedBytesMax = (count: number, bitWidth: number): number =>
  VARINT_BYTES_MAX + Math.ceil(count / 8) * Math.max(1, bitWidth)

/** One run: `count` times `value`, which has `bitWidth` <= 8 bits. Returns where it ends. */
export const putRun = (
  into: Uint8Array,
  at: number,
  count: number,
  { value, bitWidth }: { readonly value: number; readonly bitWidth: number },
): number => {
  let next = putVarint(into, at, count << 1)
  if (bitWidth > 0) into[next++] = value
  return next
}

/** `count` numbers below 2 ** bitWidth, 1 <= bitWidth <= 24, in one packed run. */
export const putPacked = (
  into: Uint8Array,
  at: number,
  values: Int32Array | Uint8Array,
  count: number,
  bitWidth: number,
): number => {
  const groups = Math.ceil(count / 8)
  let next = putVarint(into, at, (groups << 1) | 1)
  const end = next + groups * bitWidth
  let bits = 0
  let used = 0
  for (let i = 0; i < count; i++) {
    bits |= values[i]! << used
    used += bitWidth
    for (; used >= 8; used -= 8) {
      into[next++] = bits
      bits >>>= 8
    }
  }
  if (used > 0) into[next++] = bits
  into.fill(0, next, end)
  return end
}

/**
 * Definition levels of an optional column: 1 for a value, 0 for null.
 *
 * @param nulls 1 for null; not looked at where `nullCount` is 0
 */
export const putDefinitionLevels = (
  into: Uint8Array,
  nulls: Uint8Array,
  count: number,
  nullCount: number,
): number => {
  if (nullCount === 0 || nullCount === count) {
    return putRun(into, 0, count, { value: nullCount === 0 ? 1 : 0, bitWidth: 1 })
  }
  const present = new Uint8Array(count)
  for (let i = 0; i < count; i++) present[i] = nulls[i]! ^ 1
  return putPacked(into, 0, present, count, 1)
}
