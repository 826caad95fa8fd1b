/** How the command line speaks: results on stdout, messages on stderr, colour only where wanted. */

import { debuglog, styleText } from 'node:util'
import { ERRORS, type ErrorCode, GatewayError } from '../shared/errors.ts'

type Style = Parameters<typeof styleText>[0]

/** Exit codes of every verb (design §5). */
export const EXIT = {
  OK: 0,
  FAILURE: 1,
  USAGE: 2,
  INVALID: 3,
  UNREACHABLE: 4,
  REFUSED: 5,
  /** A check was made, and what it looked at has failed it. */
  NEGATIVE: 6,
  TIMED_OUT: 7,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const

/** Codes whose exit code does not follow from their HTTP status. */
const EXITS: { readonly [Code in ErrorCode]?: number } = {
  CONFIG_INVALID: EXIT.INVALID,
  CONTROL_UNREACHABLE: EXIT.UNREACHABLE,
  FILE_INVALID: EXIT.INVALID,
  FORBIDDEN: EXIT.REFUSED,
  MODEL_CONFIG_INVALID: EXIT.INVALID,
  REPLICAS_UNREACHABLE: EXIT.UNREACHABLE,
  REPOSITORY_UNREADABLE: EXIT.INVALID,
  SERVER_TIMEOUT: EXIT.TIMED_OUT,
  SOCKET_PATH_TOO_LONG: EXIT.INVALID,
  STATE_DIR_INVALID: EXIT.INVALID,
}

const isClientFault = (status: number): boolean => status >= 400 && status < 500

/** How a verb ends that met this error: what was asked for was wrong (3), or it went wrong (1). */
export const exitCodeOf = (code: ErrorCode): number =>
  EXITS[code] ?? (isClientFault(ERRORS[code].http) ? EXIT.INVALID : EXIT.FAILURE)

/** The same for the answer of a server, whose code may be one of a later release. */
export const exitCodeOfAnswer = (code: string | undefined, status: number): number => {
  if (code !== undefined && Object.hasOwn(ERRORS, code)) return exitCodeOf(code as ErrorCode)
  return isClientFault(status) ? EXIT.INVALID : EXIT.FAILURE
}

export const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

export const complain = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** What is no failure, and yet has to be known. */
export const warn = (text: string): void => {
  complain(paint('yellow', `⚠ ${plain(text)}`, process.stderr))
}

/**
 * A reader that has seen enough (`| head`) ends nobody; a result that cannot be written for another
 * reason is a failure, whatever the verb thinks of itself. Messages may be lost.
 */
export const guardStreams = (): void => {
  let hasFailed = false
  process.stderr.on('error', () => {})
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || hasFailed) return
    hasFailed = true
    complain(`✖ The result cannot be written (${code})`)
    process.once('exit', () => {
      process.exitCode = EXIT.FAILURE
    })
  })
}

const debug = debuglog('sluice')

/**
 * Says on stderr what went wrong and what to do; returns the exit code. Whatever was thrown: what
 * is no error of ours is one line as well, and its stack is shown with NODE_DEBUG=sluice.
 */
export const reportFailure = (thrown: unknown): number => {
  debug('%o', thrown)
  const red = (text: string) => paint('red', text, process.stderr)
  if (!(thrown instanceof GatewayError)) {
    const what = plain(String(thrown).split('\n', 1)[0] ?? '')
    complain(`${red('✖ INTERNAL:')} A fault of Sluice (NODE_DEBUG=sluice shows where): ${what}`)
    return exitCodeOf('INTERNAL')
  }
  const { code, message } = thrown
  complain(`${red(`✖ ${code}:`)} ${message}\n  ${ERRORS[code].hint}`)
  return exitCodeOf(code)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]/g

/** Text of others for a terminal: a name in a model file must not move the cursor. */
export const plain = (text: string): string => text.replaceAll(CONTROLS, '�')

export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2))

/** Styled when `stream` is a terminal and NO_COLOR and TERM do not object. */
export const paint = (
  style: Style,
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string => styleText(style, text, { stream, validateStream: true })

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is the escape of colours
const COLOURS = /\u001b\[[0-9;]*m/g

const width = (text: string): number => text.replaceAll(COLOURS, '').length

/** Left-aligned columns, two blanks apart; the first row is the head. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => width(row[column] ?? ''))),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat(widths[column]! - width(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** 1234567 -> "1,234,567" */
export const count = (value: number): string => value.toLocaleString('en-US')

/** 1, "model" -> "1 model"; 2 -> "2 models" */
export const many = (amount: number, noun: string): string =>
  `${amount} ${noun}${amount === 1 ? '' : 's'}`

/** 1536 -> "1.5 KiB" */
export const bytes = (value: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let scaled = value
  let unit = 0
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024
    unit++
  }
  return `${scaled >= 100 || unit === 0 ? scaled.toFixed(0) : scaled.toFixed(1)} ${units[unit]}`
}

/** 65_000 -> "1m05s" */
export const duration = (ms: number): string => {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  const pad = (value: number) => String(value).padStart(2, '0')
  if (minutes < 60) return `${minutes}m${pad(seconds % 60)}s`
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`
}
