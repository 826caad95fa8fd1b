/**
 * Bytes of JSON for the fast decoders: blanks, known keys and plain text. Nothing here refuses:
 * what is not plain is left to the complete parser.
 */

/** Not there, or not plain. Offsets are never negative. */
export const NOT_SURE = -1

const encoder = new TextEncoder()

/** The bytes of a JSON string with its quotes: what a key or a fixed value looks like. */
export const quoted = (text: string): Uint8Array => encoder.encode(JSON.stringify(text))

const skipMore = (bytes: Uint8Array, from: number): number => {
  let at = from
  let byte = bytes[at]
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at]
  return at
}

/** Offset of the first byte from `from` on that is no JSON white space. */
export const skipBlanks = (bytes: Uint8Array, from: number): number =>
  bytes[from]! > 0x20 ? from : skipMore(bytes, from)

/** Whether `key` stands at `at`. */
export const matches = (bytes: Uint8Array, at: number, key: Uint8Array): boolean => {
  for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false
  return true
}

/** Offset behind blanks, `byte` and blanks; NOT_SURE when another byte stands there. */
export const after = (bytes: Uint8Array, from: number, byte: number): number => {
  if (from < 0) return NOT_SURE
  const at = skipBlanks(bytes, from)
  return bytes[at] === byte ? skipBlanks(bytes, at + 1) : NOT_SURE
}

/** Whether the body ends like an object. Nothing that scans then runs beyond its last byte. */
export const endsAsObject = (bytes: Uint8Array): boolean => {
  let last = bytes.length - 1
  while (last >= 0 && bytes[last]! <= 0x20) last--
  return last >= 0 && bytes[last] === 0x7d
}

/** Short names of categories come again and again: one string each, found by its bytes. */
const shortTexts = new Map<number, string>()
const SHORT_TEXTS_MAX = 4096
const SHORT = 4

/** Offset behind the text that `scanText` read last; NOT_SURE when there was no plain text. */
export let textEnd = -1

/** Printable ASCII without escapes whose opening quote is at `at`; sets `textEnd`. */
export const scanText = (bytes: Uint8Array, at: number): string => {
  textEnd = NOT_SURE
  if (bytes[at] !== 0x22) return ''
  let end = at + 1
  let packed = 0
  const limit = bytes.length
  for (;;) {
    if (end >= limit) return ''
    const byte = bytes[end]!
    if (byte === 0x22) break
    if (byte < 0x20 || byte > 0x7e || byte === 0x5c) return ''
    packed = (packed << 8) | byte
    end++
  }
  textEnd = end + 1
  const length = end - at - 1
  if (length > SHORT) return sliceText(bytes, at + 1, length)
  const known = shortTexts.get(packed)
  if (known !== undefined) return known
  const text = sliceText(bytes, at + 1, length)
  if (shortTexts.size < SHORT_TEXTS_MAX) shortTexts.set(packed, text)
  return text
}

const sliceText = (bytes: Uint8Array, from: number, length: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString('latin1')
