/**
 * Structured logs: one JSON line each, to stderr. Every line has a stable `event` for machines;
 * the message is for people and may change. Never on the request path, never on a data thread.
 *
 * A line that cannot be written (the disk is full, the terminal has gone) is dropped: a log must
 * end no process. The first line that can be written again is followed by `log_lines_lost`.
 */

import { writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { type Logger, pino } from 'pino'

export type { Logger }

/** Secrets, and what clients sent: neither belongs in a log, wherever in a line it turns up. */
const REDACTED = ['authorization', 'cookie', 'token', 'password', 'features', 'instances', 'inputs']

export interface LoggerOptions {
  /** trace, debug, info, warn, error, fatal or silent */
  readonly level: string
  /** Which process speaks: `control`, `replica-0` ... */
  readonly component: string
  /** File descriptor; stderr unless a test says otherwise. */
  readonly fd?: number
}

/** Writes lines at once: a process that ends must have written why. */
class LineWriter {
  readonly #fd: number
  /** Lines dropped since the last one that was written. */
  lost = 0
  /** The last line was cut off in its middle. */
  #isTorn = false

  constructor(fd: number) {
    this.#fd = fd
  }

  write(line: string): void {
    const bytes = Buffer.from(this.#isTorn ? `\n${line}` : line)
    let offset = 0
    try {
      while (offset < bytes.length) offset += writeSync(this.#fd, bytes, offset)
      this.#isTorn = false
    } catch {
      this.lost++
      this.#isTorn ||= offset > 0
    }
  }
}

export const createLogger = ({ level, component, fd = 2 }: LoggerOptions): Logger => {
  const writer = new LineWriter(fd)
  const write = (line: string) => {
    const lost = writer.lost
    writer.write(line)
    if (lost === 0 || writer.lost > lost) return
    writer.lost = 0
    logger.warn({ event: 'log_lines_lost', lines: lost }, 'lines could not be written')
    if (writer.lost > 0) writer.lost += lost
  }
  const logger = pino(
    {
      level,
      base: { component },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err, thrown: pino.stdSerializers.err },
      redact: REDACTED.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
    },
    { write },
  )
  return logger
}

/**
 * Keeps a process alive whose stdout or stderr cannot be written to any more: without a listener,
 * the stream's `error` event would end it. Called once, by the process root.
 */
export const outliveOutput = (
  streams: readonly Writable[] = [process.stdout, process.stderr],
): void => {
  for (const stream of streams) stream.on('error', () => {})
}
