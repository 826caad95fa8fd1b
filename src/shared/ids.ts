/** Identifiers: how they look, and which ones from outside may be echoed. */

/** `<gateway>.<replica>.<thread>-<incarnation>-`; the sequence number follows. */
export const predictionIdPrefix = (
  gateway: string,
  replica: number,
  thread: number,
  incarnation: number,
): string => `${gateway}.${replica}.${thread}-${incarnation}-`

const ECHO_BYTES_MAX = 128

/**
 * Whether a client's id may be put into a response header and a record: `[A-Za-z0-9._~-]{1,128}`.
 * uWebSockets writes header values unfiltered, so anything else could split the response.
 */
export const isEchoable = (id: string): boolean => {
  const { length } = id
  if (length === 0 || length > ECHO_BYTES_MAX) return false
  for (let i = 0; i < length; i++) {
    const c = id.charCodeAt(i)
    const isAlphanumeric =
      (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a)
    // '.', '_', '~', '-'
    if (!isAlphanumeric && c !== 0x2e && c !== 0x5f && c !== 0x7e && c !== 0x2d) return false
  }
  return true
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Model and endpoint names: letters, digits, '.', '_', '-', starting with a letter or digit. */
export const isModelName = (name: string): boolean => NAME.test(name) && !name.includes('..')

/** Seconds, milliseconds and dates of an export fit, and every number is exact as a double. */
const VERSION = /^[1-9][0-9]{0,14}$/

/** The version number in a folder name or URL, or 0 if it is none: 1 to 15 digits, from 1. */
export const parseVersion = (text: string): number => (VERSION.test(text) ? Number(text) : 0)

/** Of any gateway: its name has six letters and digits. Numbers are exact as doubles. */
export const PREDICTION_ID_PATTERN =
  '^[a-z0-9]{6}\\.[0-9]{1,9}\\.[0-9]{1,9}-[0-9]{1,15}-[1-9][0-9]{0,14}$'
const PREDICTION_ID = new RegExp(PREDICTION_ID_PATTERN)

/** Whether a text has the form of a prediction id. Requests of no endpoint have other ids. */
export const isPredictionId = (text: string): boolean => PREDICTION_ID.test(text)
