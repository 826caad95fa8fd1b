/** What every key of `sluice.yaml` has: a description, and what a change of it costs. */

import { z } from 'zod'

/** `reload`: SIGHUP applies it. `restart`: only a new start of control and replicas does. */
export type ChangeCost = 'reload' | 'restart'

declare module 'zod' {
  interface GlobalMeta {
    change?: ChangeCost
  }
}

/** A key: what it does, when to raise and lower it. The reference page is made of this. */
export const setting = <T extends z.ZodType>(
  schema: T,
  description: string,
  change: ChangeCost = 'restart',
) => schema.meta({ description, change })

export const count = (min: number, max: number) => z.int().min(min).max(max)

export const MIB = 1024 * 1024
export const GIB = 1024 * MIB
