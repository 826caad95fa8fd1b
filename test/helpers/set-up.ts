/** Vitest loads this before every test file, also where files share all other modules. */

import { afterAll } from 'vitest'
import { beginFile, endFile } from './clean-up.ts'

beginFile()
afterAll(endFile)
