/**
 * W3C Trace Context (https://www.w3.org/TR/trace-context/, §3.2) without OpenTelemetry: which trace
 * a request belongs to, and whether its spans are kept. Ids are 32-bit words, big end first.
 */

/** Words of a trace id, then those of the id of the caller's span. */
export const TRACE_WORDS = 4
export const ID_WORDS = TRACE_WORDS + 2

/** How the spans of a request come to be kept; a decision by 32 bits of its trace id. */
export interface TraceSampling {
  /** A caller that says whether it keeps its own spans is followed. */
  readonly isParentBased: boolean
  /** Else those are kept whose trace id folds to less: 0 none, 2 ** 32 all. */
  readonly threshold: number
}

/**
 * The threshold by which OpenTelemetry's TraceIdRatioBased keeps `ratio` (0 to 1) of the traces:
 * its JavaScript SDK's, so that all who fold a trace id like it keep the same ones.
 */
export const thresholdOf = (ratio: number): number =>
  ratio >= 1 ? 2 ** 32 : Math.floor(ratio * 0xffffffff)

/** What is compared with a threshold: the words of a trace id, folded into one. */
export const foldTraceId = (ids: Uint32Array): number =>
  (ids[0]! ^ ids[1]! ^ ids[2]! ^ ids[3]!) >>> 0

const LENGTH = 55
const DASH = 0x2d
const SAMPLED = 1

/** The value of a digit, lower case alone as the standard has it; -1 for another character. */
const nibble = (c: number): number => {
  if (c >= 0x30 && c <= 0x39) return c - 0x30
  return c >= 0x61 && c <= 0x66 ? c - 0x57 : -1
}

/** `digits` (at most 8) hexadecimal digits at a place, or -1. */
const hexAt = (text: string, at: number, digits: number): number => {
  let value = 0
  for (let i = at; i < at + digits; i++) {
    const digit = nibble(text.charCodeAt(i))
    if (digit < 0) return -1
    value = value * 16 + digit
  }
  return value
}

export const PARENT = { NONE: 0, UNSAMPLED: 1, SAMPLED: 2 } as const

/**
 * Reads a `traceparent` header into `ids`, of ID_WORDS words. What is not exactly as the standard
 * wants it is as good as absent. Allocates nothing.
 */
export const readTraceparent = (
  text: string,
  ids: Uint32Array,
): (typeof PARENT)[keyof typeof PARENT] => {
  const version = hexAt(text, 0, 2)
  if (text.length < LENGTH || version < 0 || version === 0xff) return PARENT.NONE
  // Versions to come may have more behind a dash; 00 has not.
  const isWhole = text.length === LENGTH || (version > 0 && text.charCodeAt(LENGTH) === DASH)
  const hasDashes =
    text.charCodeAt(2) === DASH && text.charCodeAt(35) === DASH && text.charCodeAt(52) === DASH
  const flags = hexAt(text, 53, 2)
  if (!isWhole || !hasDashes || flags < 0) return PARENT.NONE
  for (let word = 0; word < ID_WORDS; word++) {
    const value = hexAt(text, (word < TRACE_WORDS ? 3 : 4) + word * 8, 8)
    if (value < 0) return PARENT.NONE
    ids[word] = value
  }
  const isNull = (ids[0]! | ids[1]! | ids[2]! | ids[3]!) === 0 || (ids[4]! | ids[5]!) === 0
  if (isNull) return PARENT.NONE
  return (flags & SAMPLED) === 0 ? PARENT.UNSAMPLED : PARENT.SAMPLED
}
