import { expect, test } from 'vitest'
import { mapPool, payloadViews } from '../../src/runtime/pool/pool-memory.ts'
import type { PoolGrant } from '../../src/runtime/pool/pool-messages.ts'
import { poolShape } from '../../src/runtime/pool/pool-shape.ts'
import { ComputeThreads } from '../../src/server/compute-threads.ts'
import { systemClock } from '../../src/shared/clock.ts'
import { loadKey, type PlannedVersion } from '../../src/shared/epoch-plan.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { replicaMemoryBytes } from '../../src/shared/shared-memory.ts'
import { spawnThread } from '../../src/shared/threads.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { epochPlan } from '../helpers/epoch-plans.ts'
import { scaleAdd } from '../helpers/models.ts'
import { provenVersion } from '../helpers/replica-process.ts'
import { replicaSettings } from '../helpers/replica-settings.ts'

const MIB = 1024 * 1024
const WIDTH = 1000
/** Versions that come and go before and while memory is measured. */
const WARM_UP = 15
const CYCLES = 60

const makeCompute = () =>
  new ComputeThreads({
    settings: replicaSettings({ threads: 1, computeThreads: 1 }),
    ...{ memory: new SharedArrayBuffer(replicaMemoryBytes(1, 1)), clock: systemClock },
    logger: createLogger({ level: 'silent', component: 'test' }),
    start: (start, { onMessage, onError, onEnded }) => {
      const worker = spawnThread('runtime/pool/compute-thread.ts', 'compute', start, [
        ...start.ports,
      ])
      worker.on('message', onMessage).on('error', onError).on('exit', onEnded)
      atEnd(async () => void (await worker.terminate()))
      return (message) => worker.postMessage(message)
    },
    connect: (_, [port]) => atEnd(() => port!.close()),
    onFatal: (reason) => {
      throw new Error(reason)
    },
    onEnded: () => {},
  })

const versionOf = (version: number): PlannedVersion => {
  const tensor = (name: string) => ({ name, datatype: 'FP32' as const, shape: [-1, WIDTH] })
  return provenVersion('m', version, scaleAdd(WIDTH), {
    signature: { inputs: [tensor('x')], outputs: [tensor('y')] },
    placement: { kind: 'pooled', instances: 1, reason: 'told so' },
  })
}

/** Loads a version, writes all over its slots, and lets go of it. Gives the bytes written. */
const comeAndGo = async (compute: ComputeThreads, version: number): Promise<number> => {
  const planned = versionOf(version)
  const lease = (await compute.acquire(epochPlan(1, [planned]), [1]))!
  const { memory } = lease.grants[loadKey(planned)] as PoolGrant
  const shape = poolShape(planned, 1)
  const pool = mapPool(memory, shape)
  for (let slot = 0; slot < shape.payloads; slot++) {
    for (const which of ['inputs', 'outputs'] as const) {
      for (const column of payloadViews(pool, slot, which)) (column as Float32Array).fill(1)
    }
  }
  lease.release()
  return shape.payloads * shape.payloadBytes
}

test('the shared memory of pooled versions that have gone comes back', async () => {
  const compute = makeCompute()
  let written = 0
  let beforeBytes = 0
  for (let version = 1; version <= WARM_UP + CYCLES; version++) {
    if (version === WARM_UP) beforeBytes = process.memoryUsage.rss()
    const bytes = await comeAndGo(compute, version)
    if (version > WARM_UP) written += bytes
  }
  const grownBytes = process.memoryUsage.rss() - beforeBytes
  expect(written).toBeGreaterThan(400 * MIB)
  // What has not been collected yet may be there still; all of it would be a leak.
  expect(grownBytes).toBeLessThan(written / 3)
})
