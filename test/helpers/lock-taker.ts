/**
 * A process that races for a state folder. It waits for a line on stdin, tries, prints `taken` or
 * the error code, and holds what it took until stdin ends.
 *
 *     node lock-taker.ts <state folder>
 */

import { once } from 'node:events'
import { openStateDir } from '../../src/control/state/state-dir.ts'
import { GatewayError } from '../../src/shared/errors.ts'

process.stdout.write('waiting\n')
await once(process.stdin, 'data')
try {
  const { gateway } = await openStateDir(process.argv[2]!)
  process.stdout.write(`taken ${gateway}\n`)
} catch (error) {
  process.stdout.write(`${GatewayError.from(error).code} ${(error as Error).message}\n`)
}
process.stdin.on('end', () => process.exit(0))
