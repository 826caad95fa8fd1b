import { expect, test } from 'vitest'
import { HeldFiles } from '../../../../src/records/verify/held-files.ts'
import { verifyRecords } from '../../../../src/records/verify.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { HookedWorld, refusal } from '../../../helpers/records/hooked-world.ts'
import { ROOT, SPOOL } from '../../../helpers/records/shipping-world.ts'
import { putFile } from '../../../helpers/segments.ts'

const HOUR_MS = 3_600_000

const filesOf = (count: number) => {
  const files = new CrashFiles()
  files.mkdir('/a')
  const paths = Array.from({ length: count }, (_, i) => `/a/${i}`)
  for (const [i, path] of paths.entries()) putFile(files, path, Uint8Array.of(i))
  return { files, paths }
}

test('what is held can be read when it is gone', () => {
  const { files, paths } = filesOf(2)
  const held = new HeldFiles(files)
  expect(held.hold(paths)).toBe(true)
  for (const path of paths) files.unlink(path)
  expect(held.stat('/a/1')).toMatchObject({ bytes: 1 })
  const file = held.open('/a/1', 'r')
  const bytes = new Uint8Array(9)
  expect(held.read(file, bytes, 0, 9, 0)).toBe(1)
  expect(bytes[0]).toBe(1)
  held.close(file)
  held.release()
  expect(() => held.open('/a/0', 'r')).toThrow(/ENOENT/)
  expect(held.hold(paths)).toBe(false)
})

test('where there are very many the last ones are held', () => {
  const { files, paths } = filesOf(1200)
  let open = 0
  const calls = { open: files.open.bind(files), close: files.close.bind(files) }
  files.open = (path, flags) => {
    const file = calls.open(path, flags)
    open++
    return file
  }
  files.close = (file) => {
    open--
    calls.close(file)
  }
  const held = new HeldFiles(files)
  expect(held.hold(paths)).toBe(true)
  expect(open).toBe(1000)
  for (const path of paths) files.unlink(path)
  expect(() => held.open('/a/0', 'r')).toThrow(/ENOENT/)
  held.close(held.open('/a/1199', 'r'))
  held.release()
  expect(open).toBe(0)
})

test('one that cannot be opened says so when it is its turn', () => {
  const { files, paths } = filesOf(2)
  const open = files.open.bind(files)
  files.open = (path, flags) => {
    if (path === '/a/0') throw refusal('EACCES', path)
    return open(path, flags)
  }
  const held = new HeldFiles(files)
  expect(held.hold(paths)).toBe(true)
  expect(() => held.open('/a/0', 'r')).toThrow(/EACCES/)
  held.release()
})

/** Runs `verify`; before the n-th opening of a Parquet file something else is done. */
const verifyBeside = async (
  world: HookedWorld,
  task: (n: number) => void,
  spool: string | null = null,
) => {
  let opened = 0
  world.hook = (call, path) => {
    if (call !== 'open' || !path.endsWith('.parquet')) return
    const { hook } = world
    world.hook = () => {}
    task(++opened)
    world.hook = hook
  }
  const report = await verifyRecords(world.files, ROOT, { spool, isAlive: () => true })
  world.hook = () => {}
  return { report, opened }
}

const shipped = async (count: number): Promise<HookedWorld> => {
  const world = new HookedWorld()
  for (let sequence = 1; sequence <= count; sequence++) await world.ship(0, sequence)
  return world
}

const oldestFirst = ({ parquet }: HookedWorld): string[] => {
  const numberOf = (path: string) => Number(/-(\d+)\.parquet$/.exec(path)![1])
  return parquet.toSorted((a, b) => numberOf(a) - numberOf(b))
}

test('a file that goes before it is opened makes verify look again at its folder alone', async () => {
  const world = await shipped(10)
  let looks = 0
  let unlinked = 0
  const { readdir } = world.files
  world.files.readdir = (path) => {
    if (path === ROOT) looks++
    return readdir.call(world.files, path)
  }
  // One in every look at all.
  const { report, opened } = await verifyBeside(world, (n) => {
    if (n < 5 || unlinked === looks) return
    world.files.unlink(oldestFirst(world)[0]!)
    unlinked = looks
  })
  // Nobody has noted in its account that it is gone.
  expect(report).toMatchObject({ producers: [{ present: 9 }] })
  expect(report.problems).toEqual(['g7q2.1.0-3: 1 records are missing'])
  expect(opened).toBe(10 + 9)
})

test('one that goes when all are open is read', async () => {
  const world = await shipped(10)
  let first = ''
  const { report } = await verifyBeside(world, (n) => {
    if (n === 9) first = oldestFirst(world)[9]!
    if (n === 10) world.files.unlink(first)
  })
  expect(report).toMatchObject({ ok: true, producers: [{ present: 10 }] })
})

test('where files go again and again that is said of the folder', async () => {
  const world = await shipped(10)
  // The last of them is opened last.
  const firsts = [1, 11, 20, 28, 35]
  const { report } = await verifyBeside(world, (n) => {
    if (firsts.includes(n)) world.files.unlink(oldestFirst(world)[0]!)
  })
  expect(report.problems[0]).toMatch(/endpoint=flights.*: its files go while they are read/)
})

test('a merge under its hands is nothing, however far it has got', async () => {
  for (let moment = 1; moment <= 6; moment++) {
    const world = await shipped(5)
    const backup = oldestFirst(world)
    for (const path of backup) world.files.link(path, `/data/${path.split('/').at(-1)}`)
    await world.ship(2 * HOUR_MS, null)
    for (const path of backup) world.files.link(`/data/${path.split('/').at(-1)}`, path)
    const { report } = await verifyBeside(world, (n) => {
      if (n === moment) for (const path of backup.splice(0)) world.files.unlink(path)
    })
    expect(report).toMatchObject({ ok: true, producers: [{ present: 5, duplicates: 0 }] })
  }
})

test('a producer of which the last goes while verify looks misses nothing', async () => {
  const world = await shipped(2)
  world.retention = { bytesMax: 0, daysMax: 1 }
  world.restart()
  await world.end(2)
  let isGone = false
  world.hook = (call, path) => {
    if (isGone || call !== 'readdir' || path !== SPOOL) return
    isGone = true
    for (const each of world.filesBelow(ROOT)) world.files.unlink(each)
  }
  const report = await world.verify()
  expect(isGone).toBe(true)
  expect(report).toMatchObject({
    ...{ ok: true, problems: [] },
    producers: [{ last: 2, gaps: [{ from: 1, to: 2, reason: 'retention' }] }],
  })
})
