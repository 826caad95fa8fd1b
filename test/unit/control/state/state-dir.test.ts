import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { writeReplicaFile } from '../../../../src/control/replicas/replica-files.ts'
import { openStateDir } from '../../../../src/control/state/state-dir.ts'
import { isTemporaryFile } from '../../../../src/shared/atomic-file.ts'
import { atEnd } from '../../../helpers/clean-up.ts'
import { failingCalls } from '../../../helpers/failing-calls.ts'
import { failure } from '../../../helpers/failure.ts'
import { openTestState, stateFolder } from '../../../helpers/state-folder.ts'

const format = (name: string, version: unknown) => ({ format: { name, version } })

test('openStateDir() makes folders of mode 0700, also where they were open to others', async () => {
  const path = stateFolder()
  chmodSync(path, 0o755)
  mkdirSync(join(path, 'logs'), { mode: 0o777 })
  const stateDir = await openTestState(path)
  for (const folder of ['.', 'lock', 'run', 'logs', 'proven', 'proving', 'compiled']) {
    expect(statSync(join(path, folder)).mode & 0o777, folder).toBe(0o700)
  }
  expect(stateDir.socketPath).toBe(join(path, 'control.sock'))
})

test('openStateDir() makes a path of several new folders', async () => {
  const path = join(stateFolder(), 'a', 'b')
  expect((await openTestState(path)).path).toBe(path)
})

test('openStateDir() says that a file is a file, and names no path', async () => {
  const path = join(stateFolder(), 'file')
  writeFileSync(path, '')
  const { code, detail } = await failure(() => openStateDir(path))
  expect(code).toBe('STATE_DIR_INVALID')
  expect(detail).toMatch(/is a file.*--state-dir/)
  const below = await failure(() => openStateDir(join(path, 'below')))
  expect(below.code).toBe('STATE_DIR_INVALID')
  expect(`${detail} ${below.detail}`).not.toContain(path)
})

test('openStateDir() refuses a place where no folder can be made', async () => {
  for (const path of ['/proc/nope', '/proc/nope/state', '/dev/null/state']) {
    const { code, detail } = await failure(() => openStateDir(path))
    expect([path, code]).toEqual([path, 'STATE_DIR_INVALID'])
    expect(detail).toContain('--state-dir')
  }
})

/** Every file below a folder with its content, and every folder. */
const treeOf = (path: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(path, { recursive: true, withFileTypes: true }).map((entry) => {
      const file = join(entry.parentPath, entry.name)
      const content = entry.isFile() ? readFileSync(file, 'utf8') : ''
      return [file, `${statSync(file).mode} ${content}`]
    }),
  )

/** A control in a pid name space of its own: its lock names a pid that does not exist here. */
const HOLDER = { pid: 4_000_000, startTime: '1', bootId: '' }

test('openStateDir() changes nothing where a process answers that cannot be seen', async () => {
  const path = stateFolder()
  const owner = await openTestState(path)
  writeReplicaFile(owner.runPath, {
    replica: 0,
    incarnation: 1,
    host: '127.0.0.1',
    httpPort: 8000,
    grpcPort: null,
    identity: HOLDER,
  })
  writeFileSync(join(path, 'epoch.json.sluice-tmp-1-1'), 'being written')
  writeFileSync(
    join(path, 'lock', '1.json'),
    JSON.stringify({ ...format('sluice.lock', 1), ...HOLDER }),
  )
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(owner.socketPath, resolve))
  const before = treeOf(path)
  const { code, detail } = await failure(() => openStateDir(path))
  expect([code, treeOf(path)]).toEqual(['STATE_DIR_LOCKED', before])
  expect(detail).toContain('--state-dir')
  await new Promise((resolve) => server.close(resolve))
  await openTestState(path)
})

test('openStateDir() changes nothing where the holder of the lock lives', async () => {
  const path = stateFolder()
  await openTestState(path)
  chmodSync(join(path, 'logs'), 0o755)
  const before = treeOf(path)
  expect((await failure(() => openStateDir(path))).code).toBe('STATE_DIR_LOCKED')
  expect(treeOf(path)).toEqual(before)
})

test('openStateDir() says so when the disk is full, at whichever call, and can be tried again', async () => {
  const calls = failingCalls(0)
  ;(await openStateDir(stateFolder(), { calls })).close()
  const written = calls.count
  expect(written).toBeGreaterThan(8)
  for (let n = 1; n <= written; n++) {
    const path = stateFolder()
    const { code, detail } = await failure(() => openStateDir(path, { calls: failingCalls(n) }))
    expect([n, code]).toEqual([n, 'STATE_UNWRITABLE'])
    expect(detail).toMatch(/disk is full.*--state-dir/)
    expect(Object.keys(treeOf(path)).filter(isTemporaryFile)).toEqual([])
    await openTestState(path)
  }
})

test('StateDir keeps what it had when the disk is full, at whichever call', async () => {
  const counted = failingCalls(0)
  const stateDir = await openStateDir(stateFolder(), { calls: counted })
  atEnd(() => stateDir.close())
  const start = counted.count
  stateDir.raiseIncarnation()
  stateDir.writeEpoch({ epoch: 1, endpoints: [] })
  const steps = counted.count - start
  for (let n = 1; n <= steps; n++) {
    const path = stateFolder()
    const calls = failingCalls(0)
    const full = await openStateDir(path, { calls })
    full.raiseIncarnation()
    full.writeEpoch({ epoch: 1, endpoints: [] })
    const failing = failingCalls(n)
    Object.assign(calls, failing)
    const failed = await failure(() => {
      full.raiseIncarnation()
      full.writeEpoch({ epoch: 2, endpoints: [] })
    })
    expect([n, failed.code]).toEqual([n, 'STATE_UNWRITABLE'])
    full.close()
    const next = await openTestState(path)
    // An incarnation may be skipped; none is given twice.
    expect(next.raiseIncarnation()).toBeGreaterThan(1)
    expect([1, 2]).toContain(next.readEpoch()!.epoch)
  }
})

test('openStateDir() keeps the name of the gateway and never gives an incarnation twice', async () => {
  const path = stateFolder()
  const first = await openStateDir(path)
  expect(first.gateway).toMatch(/^[a-z0-9]{6}$/)
  expect([first.raiseIncarnation(), first.raiseIncarnation()]).toEqual([1, 2])
  first.close()
  const second = await openTestState(path)
  expect(second.gateway).toBe(first.gateway)
  expect(second.raiseIncarnation()).toBe(3)
})

test('raiseIncarnation() has written the number before it returns it', async () => {
  const stateDir = await openTestState()
  const incarnation = stateDir.raiseIncarnation()
  const stored = JSON.parse(readFileSync(join(stateDir.path, 'incarnation.json'), 'utf8'))
  expect(stored).toEqual({ format: { name: 'sluice.incarnation', version: 1 }, incarnation })
})

test('raiseIncarnation() gives out nothing that it could not write', async () => {
  const stateDir = await openTestState()
  const file = join(stateDir.path, 'incarnation.json')
  mkdirSync(file)
  expect(() => stateDir.raiseIncarnation()).toThrow()
})

test('removeUnfinished() removes what unfinished writes have left, and nothing else', async () => {
  const stateDir = await openTestState()
  const before = treeOf(stateDir.path)
  for (const folder of ['.', 'run', 'lock', 'proven']) {
    writeFileSync(join(stateDir.path, folder, '1.json.sluice-tmp-1-1'), 'half')
  }
  stateDir.removeUnfinished()
  expect(treeOf(stateDir.path)).toEqual(before)
})

test('openStateDir() takes a socket path of 107 bytes and refuses one of 108', async () => {
  const base = stateFolder()
  const pathOf = (bytes: number) =>
    `${base}/${'é'.repeat(2)}${'x'.repeat(bytes - base.length - 5 - 13)}`
  expect(Buffer.byteLength((await openTestState(pathOf(107))).socketPath)).toBe(107)
  const { code, detail } = await failure(() => openStateDir(pathOf(108)))
  expect(code).toBe('SOCKET_PATH_TOO_LONG')
  expect(detail).toMatch(/108 bytes.*107.*--state-dir/)
  expect(readdirSync(base)).toHaveLength(1)
})

test.each([
  ['gateway.json', { ...format('sluice.gateway', 1), name: '../etc' }, 'STATE_CORRUPT'],
  ['gateway.json', format('sluice.gateway', 9), 'STATE_TOO_NEW'],
  ['incarnation.json', { ...format('sluice.incarnation', 1), incarnation: 1.5 }, 'STATE_CORRUPT'],
  ['incarnation.json', format('sluice.incarnation', 2), 'STATE_TOO_NEW'],
])(
  'openStateDir() refuses a bad %s, case %#, and lets go of the lock',
  async (file, content, code) => {
    const path = stateFolder()
    ;(await openStateDir(path)).close()
    const good = readdirSync(path).includes(file) ? readFileSync(join(path, file)) : null
    writeFileSync(join(path, file), JSON.stringify(content))
    expect((await failure(() => openStateDir(path))).code).toBe(code)
    if (good !== null) writeFileSync(join(path, file), good)
    else
      writeFileSync(
        join(path, file),
        JSON.stringify({ ...format('sluice.incarnation', 1), incarnation: 4 }),
      )
    await openTestState(path)
  },
)

test('StateDir writes nothing more once it is closed', async () => {
  const stateDir = await openTestState()
  stateDir.close()
  const epoch = { epoch: 1, endpoints: [] }
  expect((await failure(async () => stateDir.writeEpoch(epoch))).code).toBe('STATE_UNWRITABLE')
  expect((await failure(async () => stateDir.raiseIncarnation())).code).toBe('STATE_UNWRITABLE')
  expect(readdirSync(stateDir.path)).not.toContain('epoch.json')
})
