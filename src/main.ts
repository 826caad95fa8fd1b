/** The `sluice` command: one verb, then its exit code. */

import { runProgram } from './cli/program.ts'

process.exitCode = await runProgram(process.argv)
