/** `control`: metrics and admin API. */

import { z } from 'zod'
import { port } from '../address.ts'
import { setting } from '../setting.ts'

export const CONTROL_PORT = 8002

export const control = z.strictObject({
  host: setting(
    z.enum(['127.0.0.1', 'localhost', '::1']).default('127.0.0.1'),
    'Address of metrics and admin API. Only loopback is accepted until access control exists.',
  ),
  port: setting(port.default(CONTROL_PORT), 'Port of metrics and admin API. 0 takes a free one.'),
})
