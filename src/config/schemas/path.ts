/** A path of this machine, as it stands in a file of settings. */

import { z } from 'zod'

/** No path holds NUL, and a shell does not see a `~` that stands in a file. */
export const path = z
  .string()
  .min(1)
  .refine((text) => !text.includes('\0'), 'holds NUL, which no path can')
  .refine((text) => !/^~(\/|$)/.test(text), 'begins with ~, which only a shell replaces')
