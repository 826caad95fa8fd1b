/** Structured logs: one JSON line each, with a stable `event` field. Never on the request path. */

import { pino } from 'pino'

export type Logger = import('pino').Logger

export const createLogger = ({ level, component }: { level: string; component: string }): Logger =>
  pino(
    {
      level,
      base: { component },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err, thrown: pino.stdSerializers.err },
      redact: ['authorization', 'token', '*.authorization', '*.token'],
    },
    pino.destination({ fd: 2, sync: true }),
  )
