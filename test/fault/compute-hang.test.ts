import { expect, test } from 'vitest'
import { epochPlan } from '../helpers/epoch-plans.ts'
import { slowAsTold } from '../helpers/models.ts'
import { provenVersion, startReplica } from '../helpers/replica-process.ts'
import { until } from '../helpers/until.ts'

const POOLED = { kind: 'pooled', instances: 1, reason: 'told so' } as const

test('a run that never returns ends the replica, by name, while others are answered', async () => {
  const watchdog = { reportMs: 500, idleMsMax: 10_000, runMsMax: 10_000, loadMsMax: 60_000 }
  const replica = await startReplica({ threads: 1, computeThreads: 2, watchdog })
  const hanging = provenVersion('hanging', 1, slowAsTold(), { placement: POOLED })
  const well = provenVersion('well', 1, slowAsTold(), { placement: POOLED })
  await replica.serve(epochPlan(1, [hanging, well]))
  const predict = (model: string, trips: number): Promise<number> =>
    fetch(`http://127.0.0.1:${replica.settings.httpPort}/predict/${model}`, {
      method: 'POST',
      body: JSON.stringify({ features: { x: [trips, 0] } }),
    }).then(
      (response) => response.status,
      () => 0,
    )
  expect(await predict('hanging', 1)).toBe(200)
  const lost = predict('hanging', 1e9)
  await until(() => replica.reports.some((report) => report.startsWith('thread_silent')), {
    what: 'the report of a silent thread',
  })
  expect(await predict('well', 1)).toBe(200)
  expect(await replica.ended).toEqual({ code: null, signal: 'SIGKILL' })
  expect(await lost).toBe(0)
  expect(replica.reports).toContainEqual(
    expect.stringMatching(/^thread_dead: compute thread \d: run hanging v1$/),
  )
})
