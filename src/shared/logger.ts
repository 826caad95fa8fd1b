/**
 * Structured logs: one JSON line each, to stderr. Every line has a stable `event` for machines;
 * the message is for people and may change. Never on the request path, never on a data thread.
 */

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

export const createLogger = ({ level, component, fd = 2 }: LoggerOptions): Logger =>
  pino(
    {
      level,
      base: { component },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err, thrown: pino.stdSerializers.err },
      redact: REDACTED.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
    },
    // A process that ends must have written why: nothing may be left in a buffer.
    pino.destination({ fd, sync: true }),
  )
