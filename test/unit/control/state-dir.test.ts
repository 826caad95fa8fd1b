import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openStateDir } from '../../../src/control/state-dir.ts'
import type { StoredEpoch } from '../../../src/control/stored-epoch.ts'
import { type ErrorCode, GatewayError } from '../../../src/shared/errors.ts'
import { openTestState, stateFolder } from '../../helpers/state-folder.ts'

const failure = (task: () => unknown): { code: ErrorCode; detail: string } => {
  try {
    task()
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, detail: error.message }
    throw error
  }
  throw new Error('did not throw')
}

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
    },
  ],
}

test('openStateDir() makes folders of mode 0700, also where they were open to others', () => {
  const path = stateFolder()
  chmodSync(path, 0o755)
  mkdirSync(join(path, 'logs'), { mode: 0o777 })
  const stateDir = openTestState(path)
  for (const folder of ['.', 'lock', 'run', 'logs', 'proven', 'proving']) {
    expect(statSync(join(path, folder)).mode & 0o777, folder).toBe(0o700)
  }
  expect(stateDir.socketPath).toBe(join(path, 'control.sock'))
})

test('openStateDir() makes a path of several new folders', () => {
  const path = join(stateFolder(), 'a', 'b')
  expect(openTestState(path).path).toBe(path)
})

test('openStateDir() leaves a folder alone that holds other files', () => {
  const path = stateFolder()
  writeFileSync(join(path, 'thesis.tex'), '')
  chmodSync(path, 0o755)
  const { code, detail } = failure(() => openStateDir(path))
  expect(code).toBe('STATE_CORRUPT')
  expect(detail).toContain('--state-dir')
  expect(statSync(path).mode & 0o777).toBe(0o755)
  expect(readdirSync(path)).toEqual(['thesis.tex'])
})

test('openStateDir() refuses a file and a folder in a file', () => {
  const path = join(stateFolder(), 'file')
  writeFileSync(path, '')
  for (const wrong of [path, join(path, 'below')]) {
    const { code, detail } = failure(() => openStateDir(wrong))
    expect([code, detail.includes(path)]).toEqual(['STATE_CORRUPT', false])
  }
})

test('openStateDir() keeps the name of the gateway and never gives an incarnation twice', () => {
  const path = stateFolder()
  const first = openStateDir(path)
  expect(first.gateway).toMatch(/^[a-z0-9]{6}$/)
  expect([first.raiseIncarnation(), first.raiseIncarnation()]).toEqual([1, 2])
  first.close()
  const second = openTestState(path)
  expect(second.gateway).toBe(first.gateway)
  expect(second.raiseIncarnation()).toBe(3)
})

test('raiseIncarnation() has written the number before it returns it', () => {
  const stateDir = openTestState()
  const incarnation = stateDir.raiseIncarnation()
  const stored = JSON.parse(readFileSync(join(stateDir.path, 'incarnation.json'), 'utf8'))
  expect(stored).toEqual({ format: { name: 'sluice.incarnation', version: 1 }, incarnation })
})

test('raiseIncarnation() gives out nothing that it could not write', () => {
  const stateDir = openTestState()
  const file = join(stateDir.path, 'incarnation.json')
  mkdirSync(file)
  expect(() => stateDir.raiseIncarnation()).toThrow()
})

test('openStateDir() removes what unfinished writes have left', () => {
  const path = stateFolder()
  openStateDir(path).close()
  writeFileSync(join(path, 'epoch.json.sluice-tmp-1-1'), 'half')
  writeFileSync(join(path, 'run', 'replica-0.json.sluice-tmp-1-2'), 'half')
  openTestState(path)
  expect(readdirSync(join(path, 'run'))).toEqual([])
  expect(readdirSync(path).filter((name) => name.includes('tmp'))).toEqual([])
})

test('openStateDir() takes a socket path of 107 bytes and refuses one of 108', () => {
  const base = stateFolder()
  const pathOf = (bytes: number) =>
    `${base}/${'é'.repeat(2)}${'x'.repeat(bytes - base.length - 5 - 13)}`
  expect(Buffer.byteLength(openTestState(pathOf(107)).socketPath)).toBe(107)
  const { code, detail } = failure(() => openStateDir(pathOf(108)))
  expect(code).toBe('SOCKET_PATH_TOO_LONG')
  expect(detail).toMatch(/108 bytes.*107.*--state-dir/)
  expect(readdirSync(base)).toHaveLength(1)
})

test('readEpoch() is null at first and then what writeEpoch() wrote', () => {
  const path = stateFolder()
  const first = openStateDir(path)
  expect(first.readEpoch()).toBeNull()
  first.writeEpoch({ epoch: 1, endpoints: [] })
  first.writeEpoch(EPOCH)
  first.close()
  expect(openTestState(path).readEpoch()).toEqual(EPOCH)
})

const format = (name: string, version: unknown) => ({ format: { name, version } })
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

test.each(BAD_EPOCHS)('readEpoch() refuses %s', (_, content, code) => {
  const stateDir = openTestState()
  const isRaw = typeof content === 'string' || Buffer.isBuffer(content)
  writeFileSync(join(stateDir.path, 'epoch.json'), isRaw ? content : JSON.stringify(content))
  const found = failure(() => stateDir.readEpoch())
  expect(found.code).toBe(code)
  expect(found.detail).toContain('epoch.json')
  expect(found.detail).not.toContain(stateDir.path)
})

test.each([
  ['gateway.json', { ...format('sluice.gateway', 1), name: '../etc' }, 'STATE_CORRUPT'],
  ['gateway.json', format('sluice.gateway', 9), 'STATE_TOO_NEW'],
  ['incarnation.json', { ...format('sluice.incarnation', 1), incarnation: 1.5 }, 'STATE_CORRUPT'],
  ['incarnation.json', format('sluice.incarnation', 2), 'STATE_TOO_NEW'],
])('openStateDir() refuses a bad %s, case %#, and lets go of the lock', (file, content, code) => {
  const path = stateFolder()
  openStateDir(path).close()
  const good = readdirSync(path).includes(file) ? readFileSync(join(path, file)) : null
  writeFileSync(join(path, file), JSON.stringify(content))
  expect(failure(() => openStateDir(path)).code).toBe(code)
  if (good !== null) writeFileSync(join(path, file), good)
  else
    writeFileSync(
      join(path, file),
      JSON.stringify({ ...format('sluice.incarnation', 1), incarnation: 4 }),
    )
  openTestState(path)
})
