/** `log`: what is written. */

import { z } from 'zod'
import { setting } from '../setting.ts'

export const log = z.strictObject({
  level: setting(
    z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    'Least severe message that is written. `debug` to look into a fault; `warn` where every line costs.',
  ),
})
