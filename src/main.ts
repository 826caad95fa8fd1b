/**
 * The `sluice` command: one verb, then its exit code. Compiled code lies beside the packages, or
 * nowhere if nobody may write there (`serve` is then ready 0.2 s later).
 */

import { fileURLToPath } from 'node:url'
import { openCodeCache } from './shared/code-cache.ts'

openCodeCache(fileURLToPath(new URL('../node_modules/.cache/sluice', import.meta.url)))
const { runProgram } = await import('./cli/program.ts')
process.exitCode = await runProgram(process.argv)
