/** `cors`: pages of browsers. */

import { z } from 'zod'
import { origins } from '../origins.ts'
import { setting } from '../setting.ts'

export const cors = z.strictObject({
  origins: setting(
    origins.default([]),
    'Origins whose pages may call the data plane from a browser, each as browsers send it: `https://app.example.com`, without a path. `["*"]`: all pages. Empty: none, and requests from pages cost nothing more. It keeps out no other client.',
  ),
})
