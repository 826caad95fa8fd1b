/** `placement`: what sessions may take. */

import { z } from 'zod'
import { count, GIB, MIB, setting } from '../setting.ts'

export const placement = z.strictObject({
  session_bytes_max: setting(
    z.union([z.literal('auto'), count(MIB, 1024 * GIB)]).default('auto'),
    'Most memory of all sessions of one version, one for each data thread of every replica, for it to be inline; one that needs more is pooled. `auto`: an eighth of the memory. Raise it for large models that are quick; lower it where memory is short.',
  ),
})
