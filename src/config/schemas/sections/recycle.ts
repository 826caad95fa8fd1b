/** `recycle`: when a replica is replaced by itself, because of what it has loaded and unloaded. */

import { z } from 'zod'
import { count, GIB, MIB, setting } from '../setting.ts'

export const recycle = z.strictObject({
  unloads_max: setting(
    count(0, 1_000_000).default(50),
    'Versions that a replica unloads before it is replaced by a new one, without an outage; 0: any number. Not all memory of a version comes back with its unload. Lower it if memory grows with every new version; raise it if versions are small and change often.',
    'reload',
  ),
  memory_bytes_max: setting(
    count(0, 1024 * GIB).default(512 * MIB),
    'Growth of a replica over its level with its first epoch, beyond what its versions take, before it is replaced once it has unloaded something; 0: any. If its versions take more than this, that counts. Lower it where memory is short; raise it if replicas are replaced too often.',
    'reload',
  ),
  pause_seconds: setting(
    z.number().min(1).max(86_400).default(60),
    'Least time between two replacements. Lower it if several replicas grow quickly.',
    'reload',
  ),
})
