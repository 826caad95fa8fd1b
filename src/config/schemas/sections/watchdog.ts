/** `watchdog`: how long a thread may be silent. */

import { z } from 'zod'
import { setting } from '../setting.ts'

export const watchdog = z.strictObject({
  report_seconds: setting(
    z.number().min(0.5).max(600).default(2),
    'Silence of a thread after which a warning is logged. Raise it if runs of that length are normal; lower it to see stalls.',
  ),
  idle_seconds_max: setting(
    z.number().min(1).max(3600).default(10),
    'Silence of an idle thread after which its replica is replaced. Raise it on machines that stall (overbooked, swapping); lower it to recover sooner.',
  ),
  execution_timeout_seconds: setting(
    z.number().min(1).max(3600).default(10),
    'Longest run of a model before its replica is replaced; below `idle_seconds_max`, that counts. Raise it for models that run longer; lower both to end a hanging run sooner, which blocks its thread until then.',
  ),
  load_seconds_max: setting(
    z.number().min(1).max(3600).default(60),
    'Longest load of one version in a thread before its replica is replaced; each has all of it. Raise it, and `proving.timeout_seconds`, for models that take long to load; lower it to end a hanging load sooner. To prepare an epoch, a replica may take 60 s, or this if longer, for each version that it has to load.',
  ),
})
