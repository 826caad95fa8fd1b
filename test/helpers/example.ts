/** The trained example of the repository, as tests use it. */

import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeTempDir } from './temp-dir.ts'

export const EXAMPLE_REPOSITORY = fileURLToPath(
  new URL('../../examples/flight-delay/models', import.meta.url),
)

/** A copy whose aliases and versions a test may change. */
export const copyExample = (): string => {
  const copy = join(makeTempDir('repo'), 'models')
  cpSync(EXAMPLE_REPOSITORY, copy, { recursive: true })
  return copy
}

/** A real flight: EWR to IAH, first of January 2013. */
export const FLIGHT = {
  origin: 'EWR',
  dest: 'IAH',
  carrier: 'UA',
  weekday: 'Tue',
  departure_minute: 315,
  distance: 1400,
  plane_age: 14,
  seats: 149,
  temperature: 39.02,
  humidity: 61.63,
  wind_speed: 12.66,
  wind_gust: null,
  precipitation: 0,
  pressure: 1012.3,
  visibility: 10,
  origin_delay: null,
  origin_overdue: null,
} as const
