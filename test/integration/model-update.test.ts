/**
 * A changed config reloads what it must and nothing else, under requests; in form after Triton's
 * L0_model_update. That nothing is loaded is shown by taking the proven copy away: whoever loads it
 * anew fails.
 */

import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { VersionStatus } from '../../src/control/api/status-document.ts'
import type { PlannedVersion } from '../../src/shared/epoch-plan.ts'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { epochPlan } from '../helpers/epoch-plans.ts'
import { startGateway } from '../helpers/gateway.ts'
import { versionWhen } from '../helpers/gateway-models.ts'
import { scaleAdd } from '../helpers/models.ts'
import { provenVersion, startReplica } from '../helpers/replica-process.ts'
import { makeRepository } from '../helpers/repository.ts'
import { until } from '../helpers/until.ts'

const BODY = JSON.stringify({ features: { x: [1, 2] } })

const load = (port: number) => startClosedLoop({ port, path: '/predict', body: BODY }, 4)

const placed = (instances: number): PlannedVersion['placement'] => ({
  ...{ kind: instances === 0 ? 'inline' : 'pooled', reason: '' },
  instances,
})

/** A replica under requests, whose version can be planned in other ways. */
const world = async (version: PlannedVersion) => {
  const replica = await startReplica({ computeThreads: 2 })
  await replica.serve(epochPlan(1, [version]))
  const requests = load(replica.settings.httpPort)
  await requests.answered(50)
  let epoch = 1
  const change = async (more: Partial<PlannedVersion>): Promise<string> => {
    const plan = epochPlan(++epoch, [{ ...version, ...more }])
    const { failures } = await replica.prepare(plan)
    if (failures.length === 0) {
      await replica.commit(epoch)
      await requests.answered(50)
    }
    return failures[0]?.code ?? 'served'
  }
  const away = `${version.provenFile}.away`
  return {
    change,
    takeCopy: () => renameSync(version.provenFile, away),
    giveCopy: () => renameSync(away, version.provenFile),
    stop: async () => {
      const { answers, broken } = await requests.stop()
      const failed = answers.filter(({ status }) => status !== 200)
      return { failed, broken, epochs: [...new Set(answers.map((one) => Number(one.epoch)))] }
    },
  }
}

test.each([
  ['inline', 0],
  ['pooled', 2],
])('other policies of a queue open another one over the %s sessions', async (_, instances) => {
  const version = provenVersion('m', 1, scaleAdd(2), { placement: placed(instances) })
  const { change, takeCopy, stop } = await world(version)
  takeCopy()
  const { batching, queue, session } = version
  expect(await change({ batching: { ...batching, rowsMax: 3 } })).toBe('served')
  expect(await change({ batching: { ...batching, queueDelayUsMax: 2000 } })).toBe('served')
  expect(await change({ queue: { ...queue, levels: 2, defaultLevel: 2 } })).toBe('served')
  expect(await change({ session: { ...session, memoryArena: false } })).toBe('DIGEST_MISMATCH')
  expect(await change({})).toBe('served')
  expect(await stop()).toEqual({ failed: [], broken: 0, epochs: [1, 2, 3, 4, 6] })
})

test('instances come and go, and only one that comes is loaded', async () => {
  const version = provenVersion('m', 1, scaleAdd(2), { placement: placed(1) })
  const { change, takeCopy, giveCopy, stop } = await world(version)
  takeCopy()
  expect(await change({ placement: placed(2) })).toBe('DIGEST_MISMATCH')
  giveCopy()
  expect(await change({ placement: placed(2) })).toBe('served')
  takeCopy()
  expect(await change({ placement: placed(1) })).toBe('served')
  expect(await stop()).toEqual({ failed: [], broken: 0, epochs: [1, 3, 4] })
})

test('a version moves out of the data threads and back', async () => {
  const version = provenVersion('m', 1, scaleAdd(2))
  const { change, stop } = await world(version)
  expect(await change({ placement: placed(2) })).toBe('served')
  expect(await change({ placement: placed(0) })).toBe('served')
  expect(await stop()).toEqual({ failed: [], broken: 0, epochs: [1, 2, 3] })
})

const CONFIG = 'max_batch_size: 4\n'

test('a changed config.pbtxt changes what it says, and a comment nothing', async () => {
  const repository = makeRepository({ 'm/1/model.onnx': scaleAdd(2), 'm/config.pbtxt': CONFIG })
  const gateway = await startGateway({ repository })
  const before = await gateway.replicaPids()
  const { epoch } = await gateway.status()
  const requests = load(gateway.httpPort)
  const put = (text: string) => {
    writeFileSync(join(repository, 'm/config.pbtxt'), text)
    gateway.reload()
  }
  const untilVersion = (what: string, isIt: (version: VersionStatus) => boolean) =>
    versionWhen(gateway, 'm', what, (version) => version.state === 'available' && isIt(version))
  // A warning shows that the file was read; nothing else may follow from it.
  put(`# the same, said otherwise\n${CONFIG}no_such_key: 1`)
  const isRead = async () =>
    (await gateway.status()).warnings.some((w) => w.includes('no_such_key'))
  await until(isRead, { what: 'the file to be read' })
  await requests.answered(200)
  put(`${CONFIG}dynamic_batching { max_queue_delay_microseconds: 300 }`)
  const delayOf = ({ batching }: VersionStatus) => batching?.queueDelayUsMax
  await untilVersion('the delay', (version) => delayOf(version) === 300)
  await requests.answered(100)
  expect((await gateway.status()).epoch).toBe(epoch + 1)
  put(`${CONFIG}instance_group { count: 1 kind: KIND_CPU }`)
  await untilVersion('no delay', (version) => delayOf(version) === 0)
  await requests.answered(100)
  const { answers, broken } = await requests.stop()
  expect([answers.filter(({ status }) => status !== 200), broken]).toEqual([[], 0])
  expect((await gateway.status()).epoch).toBe(epoch + 2)
  expect(await gateway.replicaPids()).toEqual(before)
})

test('a pin in model.yaml places a version, and says so', async () => {
  const repository = makeRepository({
    'm/1/model.onnx': scaleAdd(2),
    'm/model.yaml': 'placement: pooled\ninstances: 1',
  })
  const gateway = await startGateway({ repository })
  const response = await gateway.post('/predict', BODY)
  expect([response.status, await response.json()]).toMatchObject([200, { outputs: { y: [3, 5] } }])
  expect((await gateway.version('m'))?.placement).toEqual({
    ...{ kind: 'pooled', instances: 1 },
    reason: expect.stringMatching(/^pooled: as its settings ask; a .* takes .* ms; 1 session in/),
  })
  writeFileSync(join(repository, 'm/model.yaml'), 'placement: inline')
  gateway.reload()
  await until(async () => (await gateway.version('m'))?.placement?.kind === 'inline', {
    what: 'the version to be inline',
    timeoutMs: 20_000,
  })
  expect((await gateway.post('/predict', BODY)).status).toBe(200)
})
