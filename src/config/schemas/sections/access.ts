/** `access`: who may ask the data plane. */

import { z } from 'zod'
import { apiKeys } from '../api-keys.ts'
import { path } from '../path.ts'
import { setting } from '../setting.ts'

export const access = z.strictObject({
  keys: setting(
    apiKeys.default([]),
    'Keys of the data plane, by their hashes: `{name, sha256, endpoints, requests_per_second?, burst?, priority?}` each. Where there are any, here or in `keys_file`, all but health asks for one; see docs/guides/access.md. Empty: nobody is asked.',
    'reload',
  ),
  keys_file: setting(
    path.nullable().default(null),
    'YAML file with a list of such keys, beside those of `keys`: for those who give it out apart from this file. Read again on SIGHUP. Relative to this file; as variable, to the working folder.',
    'reload',
  ),
})
