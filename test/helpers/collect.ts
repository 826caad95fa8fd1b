/** Collecting garbage, for tests of what is kept: what is left then is no matter of when. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectOnce = runInNewContext('gc') as () => void

const externalBytes = (): number => process.memoryUsage().external

/** Collects everything. What is outside of the heap is given back later: until no more is. */
export const collect = async (): Promise<void> => {
  let leftBytes = Number.POSITIVE_INFINITY
  for (let round = 0; round < 2 || externalBytes() < leftBytes; round++) {
    leftBytes = externalBytes()
    collectOnce()
    await new Promise((resolve) => setImmediate(resolve))
  }
}
