/**
 * The binary form of one record, or of a list of gaps, as a data thread writes it into its ring and
 * the spool thread to disk: a header of 32-bit words and doubles, then sections. Byte order is that
 * of the machine, little-endian wherever Sluice runs. Offsets are bytes from the start of the
 * entry, multiples of 8 like its length.
 *
 * ```
 * RECORD   words 0..19 | doubles 10..17 | [inputs] | [outputs] | [request id] | [extras] | [text]
 * GAP      words 0..3 | double 2 | runs: words [offset from the base, count << 5 | reason]
 * FILLER   words 0..1
 *
 * text     word bytes << 1 | isTwoByte, then Latin-1 or UTF-16: every string comes back alike
 * inputs   one tensor behind the other, each from a multiple of 8 on. Fixed form: rows times
 *          `rowElements` of the layout. Free form: word rank, words dimensions of a row, padding,
 *          then as many elements as they say. Elements of BYTES: a text word for each, then all
 *          their bytes
 * outputs  likewise
 * extras   word count, then for each: words row, feature, text word (-1: missing), then all bytes
 * ```
 *
 * A section that is absent has the offset 0. Padding is zero: nothing of older entries is in it.
 */

export const UNIT_BYTES = 8

// Words of every entry.
export const LENGTH_AT = 0
export const KIND_AT = 1
export const CHECK_AT = 2

export const ENTRY_KIND = { RECORD: 1, GAP: 2, FILLER: 3 } as const

/** Further words of a RECORD. */
export const ENTRY_WORD = {
  LAYOUT: 3,
  /** Index in RECORD_ROLES. */
  ROLE: 4,
  /** `reasonIndex` of counters.ts: 0 ok, 1 aborted, then the error codes. */
  CODE: 5,
  STATUS: 6,
  /** Index in PROTOCOLS of counters.ts. */
  PROTOCOL: 7,
  BUCKET: 8,
  ROWS: 9,
  FLAGS: 10,
  REQUEST_ID: 11,
  INPUTS: 12,
  OUTPUTS: 13,
  EXTRAS: 14,
  /** Of feedback: UTF-16 or Latin-1 JSON. */
  TEXT: 15,
  /** Four words, big end first; all 0: none. */
  TRACE: 16,
} as const

/** Doubles of a RECORD, counted from the start of the entry. */
export const ENTRY_DOUBLE = {
  SEQUENCE: 10,
  /** Wall clock in ms. */
  TIME: 11,
  EPOCH: 12,
  INCLUSION: 13,
  /** Milliseconds, NaN: it did not come so far. */
  LATENCY: 14,
  DECODE: 15,
  QUEUE: 16,
  COMPUTE: 17,
} as const
export const ENTRY_HEADER_BYTES = 144

export const ENTRY_FLAG = {
  IS_BATCH: 1,
  /** The sections were too large to be kept. */
  TOO_LARGE: 2,
  /** Its endpoint keeps no features. */
  POLICY: 4,
  INPUTS_FREE: 8,
  OUTPUTS_FREE: 16,
  /** What the layout's policy demands has been done. */
  REDACTED: 32,
} as const

/** Of a GAP. */
export const GAP_RUNS_WORD = 3
export const GAP_BASE_DOUBLE = 2
export const GAP_HEADER_BYTES = 24
/** Words of one run, and how count and reason share the second. */
export const GAP_RUN_WORDS = 2
export const GAP_REASON_BITS = 5
export const GAP_COUNT_MAX = 2 ** 26 - 1

/** Dimensions of a tensor: lists of lists this deep have a wire form, and no model has as many. */
export const RANK_MAX = 32

/** The least multiple of 8 that is not below `bytes`. */
export const padded = (bytes: number): number => (bytes + 7) & ~7

/** Words that are all checked; of a longer entry these, and then every n-th. */
const CHECKED_WORDS = 256

/**
 * Check of the entry that starts at word `at`, over `length` bytes: add and rotate over its words
 * behind the check. It finds torn and overwritten entries; frames on disk have a CRC. Above 1 KiB
 * it samples, so that a large entry costs no more than a small one.
 */
export const entryCheck = (words: Int32Array, at: number, length: number): number => {
  const end = at + (length >> 2)
  let check = length ^ Math.imul(words[at + KIND_AT]!, 0x9e3779b1)
  let next = at + CHECK_AT + 1
  for (const all = Math.min(end, at + CHECKED_WORDS); next < all; next++) {
    check = (((check << 5) | (check >>> 27)) + words[next]!) | 0
  }
  if (next >= end) return check
  const step = Math.ceil((end - next) / CHECKED_WORDS)
  for (; next < end; next += step) {
    check = (((check << 5) | (check >>> 27)) + words[next]!) | 0
  }
  return check
}

/** Whether the bytes `from .. to - 1` of a view, both multiples of 8, are one whole entry. */
export const checkEntry = (words: Int32Array, from: number, to: number): boolean => {
  const at = from >> 2
  const length = words[at + LENGTH_AT]
  return length === to - from && words[at + CHECK_AT] === entryCheck(words, at, length)
}

/** Sequence number of the RECORD, or base of the GAP, that starts at unit `unit`. */
export const entrySequence = (words: Int32Array, doubles: Float64Array, unit: number): number => {
  const isGap = words[unit * 2 + KIND_AT] === ENTRY_KIND.GAP
  return doubles[unit + (isGap ? GAP_BASE_DOUBLE : ENTRY_DOUBLE.SEQUENCE)]!
}
