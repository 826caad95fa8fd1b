/** What records promise when replicas are killed under load, again and again. */

import { expect, test } from 'vitest'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { startGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { AWAY, spooled } from '../helpers/spooled.ts'

const BODY = JSON.stringify({ features: { x: [1, 2] } })

const PREDICTION_ID = /"prediction_id":"([^"]+)"/

/** Ids of the answers that clients had while a replica was killed again and again. */
const killUnderLoad = async (durability: string, kills: number) => {
  const gateway = await startGateway({
    repository: makeRepository({ 'm/1/model.onnx': scaleAdd(2) }),
    hasRecords: true,
    // There is no such folder: what was shipped would leave the spool.
    env: { SLUICE_RECORDS__DURABILITY: durability, SLUICE_RECORDS__PATH: AWAY },
  })
  const { httpPort: port } = gateway
  const answered: string[] = []
  const load = startClosedLoop({ port, path: '/predict/m', body: BODY }, 16, (answer) => {
    if (answer.status === 200) answered.push(PREDICTION_ID.exec(answer.body)![1]!)
  })
  for (let kill = 0; kill < kills; kill++) {
    await load.answered(300)
    await gateway.killReplica(kill % 2)
    await gateway.untilSettled()
  }
  await load.answered(100)
  await load.stop()
  await gateway.stop()
  return { answered, producers: spooled(gateway.stateDir) }
}

test.each([
  ['process', 3],
  ['power', 2],
])(
  'with durability `%s` every answer that a client had has its record, whoever is killed',
  async (durability, kills) => {
    const { answered, producers } = await killUnderLoad(durability, kills)
    const all = [...producers.values()].flatMap(({ records }) => records)
    const ids = new Set(all.map(({ predictionId }) => predictionId))
    expect(answered.filter((id) => !ids.has(id))).toEqual([])
    expect(answered.length).toBeGreaterThan(600)
  },
)

test('with durability `memory` a killed producer is known to have taken more than it wrote', async () => {
  const { producers } = await killUnderLoad('memory', 1)
  const dead = [...producers.values()].filter(({ hasEnded }) => !hasEnded)
  expect(dead).toHaveLength(2)
  for (const { records, last } of producers.values()) {
    const sequences = new Set(records.map(({ sequence }) => sequence))
    for (let sequence = 1; sequence < last!.floor; sequence++) {
      expect(sequences.has(sequence)).toBe(true)
    }
    expect(last!.taken).toBeGreaterThanOrEqual(sequences.size)
  }
})
