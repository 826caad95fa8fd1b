/** `proving`: what a version may take to prove itself. */

import { z } from 'zod'
import { count, GIB, MIB, setting } from '../setting.ts'

export const proving = z.strictObject({
  timeout_seconds: setting(
    z.number().min(1).max(3600).default(300),
    'Longest proving run of one version; beyond it the version is failed. Raise it for models that take long to load, and where cores are busy: it steps back for those who serve, and has a tenth of a core then. Lower it to hear of a hanging one sooner.',
    'reload',
  ),
  memory_bytes_max: setting(
    count(64 * MIB, 1024 * GIB).default(4 * GIB),
    'Most memory that a proving run may take; beyond it the version is failed. Raise it for large models; lower it below what the machine has to spare.',
    'reload',
  ),
  rows_max: setting(
    count(1, 65_536).default(256),
    'Largest batch that is measured, and so the largest that is formed. Raise it when `sluice models` shows batches at this size; lower it for quicker starts.',
    'reload',
  ),
})
