/** The repository index while replicas come and go: what serves is never said not to. */

import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { askUnlessLate } from '../helpers/late-calls.ts'
import { identity } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { until } from '../helpers/until.ts'

const repository = makeRepository({
  'a/1/model.onnx': identity('FP32'),
  'b/1/model.onnx': identity('FP32'),
})

/** Longer than a test may take. */
const WATCH_MS_MAX = 600_000

/** Asks for what serves, again and again, and keeps what was answered. */
const watchIndex = (gateway: TestGateway) => {
  const seen = new Map<string, number>()
  let isOver = false
  atEnd(() => {
    isOver = true
  })
  const ask = async (): Promise<string> => {
    const response = await askUnlessLate(() =>
      gateway.post('/v2/repository/index', { ready: true }),
    )
    const body = (await response.json()) as { name: string }[] | { error: string }
    return Array.isArray(body) ? body.map(({ name }) => name).join() : `${response.status}`
  }
  const askOnce = async (): Promise<boolean> => {
    // A connection breaks when its replica dies.
    const answer = await ask().catch(() => 'broken')
    seen.set(answer, (seen.get(answer) ?? 0) + 1)
    return isOver
  }
  const done = until(askOnce, { what: 'the end of the test', timeoutMs: WATCH_MS_MAX, everyMs: 20 })
  return async (): Promise<string[]> => {
    isOver = true
    await done
    return [...seen.keys()].filter((answer) => answer !== 'broken')
  }
}

test('the index names what serves while a replica is killed and another starts', async () => {
  const gateway = await startGateway({ repository })
  const stop = watchIndex(gateway)
  for (const index of [0, 1]) {
    const killed = await gateway.killReplica(index)
    const now = async () => (await gateway.replicaPids()).get(index)
    await until(async () => ![undefined, killed].includes(await now()), { what: 'a new replica' })
  }
  expect(await stop()).toEqual(['a,b'])
})

test('the index names what serves while successors take over', async () => {
  const first = await startGateway({ repository, threads: 1 })
  const before = await first.replicaPids()
  await first.killControl()
  const { stateDir, httpPort, grpcPort } = first
  const next = await startGateway({
    ...{ repository, stateDir, httpPort, grpcPort, isReadyAwaited: false },
  })
  await until(() => next.isReady().catch(() => false), { what: 'the next control to be ready' })
  const stop = watchIndex(next)
  await until(
    async () => {
      const pids = await next.replicaPids()
      return pids.size === 2 && [0, 1].every((index) => pids.get(index) !== before.get(index))
    },
    { what: 'two successors', timeoutMs: 20_000 },
  )
  expect(await stop()).toEqual(['a,b'])
})
