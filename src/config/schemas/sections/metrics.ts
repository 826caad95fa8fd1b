/** `metrics`: where scrapers elsewhere find them. */

import { z } from 'zod'
import { address } from '../address.ts'
import { setting } from '../setting.ts'

export const metrics = z.strictObject({
  listen: setting(
    address.nullable().prefault(null),
    'Address, `host:port`, where control serves `/metrics`, `/livez` and `/readyz`, and nothing else, beside the control port. null: nowhere, so that only this machine can scrape. `0.0.0.0:8003` opens them to the network, without a password; an IPv6 address stands in brackets, and so in quotes: `"[::]:8003"`. Port 0 takes a free one.',
  ),
})
