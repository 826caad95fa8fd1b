/** A state folder of its own for one test. */

import { openStateDir, type StateDir } from '../../src/control/state/state-dir.ts'
import { atEnd } from './clean-up.ts'
import { reapAtEnd } from './reaper.ts'
import { makeTempDir } from './temp-dir.ts'

/** Path of a new folder; when the test ends, its replicas are killed and it is removed. */
export const stateFolder = (): string => {
  const path = makeTempDir('state')
  reapAtEnd(path)
  return path
}

/** An open state folder; closed, reaped and removed when the test ends. */
export const openTestState = async (path = stateFolder()): Promise<StateDir> => {
  const stateDir = await openStateDir(path)
  atEnd(() => stateDir.close())
  return stateDir
}
