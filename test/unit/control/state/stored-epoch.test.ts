import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStateDir } from '../../../../src/control/state/state-dir.ts'
import type { StoredEpoch } from '../../../../src/control/state/stored-epoch.ts'
import type { ErrorCode } from '../../../../src/shared/errors.ts'
import { UNRECORDED } from '../../../../src/shared/record-policy.ts'
import { failure } from '../../../helpers/failure.ts'
import { openTestState, stateFolder } from '../../../helpers/state-folder.ts'

const format = (name: string, version: unknown) => ({ format: { name, version } })

const EPOCH: StoredEpoch = {
  epoch: 7,
  endpoints: [
    {
      name: 'delay',
      model: 'delay',
      revision: 2,
      contract: { features: [], tensors: [] },
      salt: 's',
      variants: [
        { name: 'v1', version: 1, weightBp: 9000 },
        { name: 'v2', version: 2, weightBp: 1000 },
      ],
      bucketRuns: [
        [9000, 0],
        [1000, 1],
      ],
      records: UNRECORDED,
    },
  ],
}

test('readEpoch() is null at first and then what writeEpoch() wrote', async () => {
  const path = stateFolder()
  const first = await openStateDir(path)
  expect(first.readEpoch()).toBeNull()
  first.writeEpoch({ epoch: 1, endpoints: [] })
  first.writeEpoch(EPOCH)
  first.close()
  expect((await openTestState(path)).readEpoch()).toEqual(EPOCH)
})

test('readEpoch() reads an endpoint of a release without records', async () => {
  const stateDir = await openTestState()
  const { records: _, ...older } = EPOCH.endpoints[0]!
  const file = { ...format('sluice.epoch', 1), epoch: 7, endpoints: [older] }
  writeFileSync(join(stateDir.path, 'epoch.json'), JSON.stringify(file))
  expect(stateDir.readEpoch()).toEqual(EPOCH)
})

test('writeEpoch() writes nothing that the next start would refuse to read', async () => {
  const stateDir = await openTestState()
  stateDir.writeEpoch(EPOCH)
  const [endpoint] = EPOCH.endpoints
  const endpoints = [{ ...endpoint!, salt: 's'.repeat(33 * 1024 * 1024) }]
  const { code, detail } = await failure(() => stateDir.writeEpoch({ epoch: 8, endpoints }))
  expect(code).toBe('STATE_UNWRITABLE')
  expect(detail).toMatch(/epoch\.json .* at most \d+/)
  expect(stateDir.readEpoch()).toEqual(EPOCH)
})

const endpoint = EPOCH.endpoints[0]!
const withEndpoint = (changed: object) => ({
  ...format('sluice.epoch', 1),
  epoch: 1,
  endpoints: [{ ...endpoint, ...changed }],
})

const BAD_EPOCHS: [string, unknown, ErrorCode][] = [
  ['nothing', '', 'STATE_CORRUPT'],
  ['half a file', JSON.stringify(withEndpoint({})).slice(0, -20), 'STATE_CORRUPT'],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'STATE_CORRUPT'],
  ['a list', [], 'STATE_CORRUPT'],
  ['null', null, 'STATE_CORRUPT'],
  ['no format', { epoch: 1, endpoints: [] }, 'STATE_CORRUPT'],
  ['another format', { ...format('sluice.gateway', 1), name: 'abc123' }, 'STATE_CORRUPT'],
  ['a newer format', { ...format('sluice.epoch', 2), endpoints: 'new' }, 'STATE_TOO_NEW'],
  ['a format version of text', { ...format('sluice.epoch', '1'), epoch: 1 }, 'STATE_CORRUPT'],
  ['a format version of 0', { ...format('sluice.epoch', 0), epoch: 1 }, 'STATE_CORRUPT'],
  ['no epoch', { ...format('sluice.epoch', 1), endpoints: [] }, 'STATE_CORRUPT'],
  ['an epoch of -1', { ...format('sluice.epoch', 1), epoch: -1, endpoints: [] }, 'STATE_CORRUPT'],
  ['no endpoints', { ...format('sluice.epoch', 1), epoch: 1 }, 'STATE_CORRUPT'],
  ['an endpoint without a name', withEndpoint({ name: undefined }), 'STATE_CORRUPT'],
  ['an endpoint without a contract', withEndpoint({ contract: null }), 'STATE_CORRUPT'],
  ['too few buckets', withEndpoint({ bucketRuns: [[9999, 0]] }), 'STATE_CORRUPT'],
  ['buckets of no variant', withEndpoint({ bucketRuns: [[10_000, 2]] }), 'STATE_CORRUPT'],
  [
    'negative buckets',
    withEndpoint({
      bucketRuns: [
        [-1, 0],
        [10_001, 1],
      ],
    }),
    'STATE_CORRUPT',
  ],
  ['a variant without a version', withEndpoint({ variants: [{ name: 'v1' }] }), 'STATE_CORRUPT'],
]

test.each(BAD_EPOCHS)('readEpoch() refuses %s', async (_, content, code) => {
  const stateDir = await openTestState()
  const isRaw = typeof content === 'string' || Buffer.isBuffer(content)
  writeFileSync(join(stateDir.path, 'epoch.json'), isRaw ? content : JSON.stringify(content))
  const found = await failure(() => stateDir.readEpoch())
  expect(found.code).toBe(code)
  expect(found.detail).toContain('epoch.json')
  expect(found.detail).not.toContain(stateDir.path)
})
