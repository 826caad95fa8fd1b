/** The `sluice` command: one verb, then its exit code. */

import { CommanderError } from 'commander'
import { complain, EXIT } from './cli/output.ts'
import { buildProgram } from './cli/program.ts'
import { GatewayError } from './shared/errors.ts'

const exitCodeOf = (thrown: unknown): number => {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.OK : EXIT.USAGE
  if (!(thrown instanceof GatewayError)) throw thrown
  complain(`✖ ${thrown.code}: ${thrown.message}`)
  return thrown.code === 'CONTROL_UNREACHABLE' ? EXIT.UNREACHABLE : EXIT.FAILURE
}

try {
  const program = buildProgram((code) => {
    process.exitCode = code
  })
  if (process.argv.length <= 2) program.help()
  await program.parseAsync()
} catch (thrown) {
  process.exitCode = exitCodeOf(thrown)
}
