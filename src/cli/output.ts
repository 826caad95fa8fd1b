/** How the command line speaks: results on stdout, messages on stderr, colour only where wanted. */

import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Exit codes of every verb (design §5). */
export const EXIT = {
  OK: 0,
  FAILURE: 1,
  USAGE: 2,
  INVALID: 3,
  UNREACHABLE: 4,
} as const

export const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

export const complain = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

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
