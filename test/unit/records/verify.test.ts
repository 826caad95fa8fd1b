import { expect, test } from 'vitest'
import { verifyRecords } from '../../../src/records/verify.ts'
import { failingFiles } from '../../helpers/failing-files.ts'
import { ended, entriesFrame, records } from '../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from '../../helpers/records/shipping-world.ts'
import { gapEntry } from '../../helpers/ring-entries.ts'
import { putFile, SEAL } from '../../helpers/segments.ts'

const HOUR_MS = 3_600_000

const verify = (world: ShippingWorld, spool: string | null = null) =>
  verifyRecords(world.files, ROOT, { spool, isAlive: ({ pid }) => world.isAlive(pid) })

test('verifyRecords() proves what is there, and why the rest is not', async () => {
  const world = new ShippingWorld()
  const gaps = gapEntry([{ from: 6, to: 8, reason: 1 }])
  world.put({}, [
    layoutFrame(),
    records(1, 5),
    entriesFrame([gaps], 8),
    records(9, 10),
    ended(10),
    SEAL,
  ])
  await world.run(world.start())
  expect(await verify(world)).toEqual({
    ok: true,
    producers: [
      {
        id: 'g7q2.1.0-3',
        ...{ first: 1, last: 10, present: 7, duplicates: 0, open_ended: false },
        gaps: [{ from: 6, to: 8, reason: 'sampled' }],
      },
    ],
    problems: [],
  })
})

test('verifyRecords() finds a file that somebody has deleted, and one that is there twice', async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  const shipping = world.start()
  world.put({}, [layoutFrame(), records(1, 5)])
  await world.run(shipping)
  world.put({ number: 2 }, [layoutFrame(), records(6, 9)])
  await world.run(shipping)
  const paths = world.filesBelow(ROOT).filter((path) => path.endsWith('.parquet'))
  const [first, second] = paths.map((path) => {
    const bytes = new Uint8Array(world.files.stat(path)!.bytes)
    const file = world.files.open(path, 'r')
    world.files.read(file, bytes, 0, bytes.length, 0)
    world.files.close(file)
    return bytes
  })
  putFile(world.files, paths[1]!.replace('-2.', '-7.'), second!)
  expect(await verify(world)).toMatchObject({
    ok: false,
    producers: [{ present: 9, duplicates: 4 }],
    problems: ['g7q2.1.0-3: 4 records are in two files'],
  })
  world.files.unlink(paths[0]!)
  expect(await verify(world)).toMatchObject({
    ok: false,
    producers: [{ present: 4, gaps: [{ from: 1, to: 5, reason: 'missing' }] }],
    problems: expect.arrayContaining(['g7q2.1.0-3: 5 records are missing']),
  })
  putFile(world.files, paths[0]!, first!.subarray(0, first!.length - 9))
  const { ok, problems } = await verify(world)
  expect(ok).toBe(false)
  expect(problems[0]).toMatch(/g7q2-1.parquet cannot be read: /)
})

test('verifyRecords() counts what is in the spool', async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  const shipping = world.start()
  world.put({}, [layoutFrame(), records(1, 5)])
  await world.run(shipping)
  const gaps = gapEntry([{ from: 8, to: 9, reason: 2 }])
  world.put({}, [
    layoutFrame(),
    records(1, 5),
    records(6, 7),
    entriesFrame([gaps], 9),
    records(10, 12),
  ])
  expect(await verify(world)).toMatchObject({ ok: true, producers: [{ last: 5, present: 5 }] })
  expect(await verify(world, SPOOL)).toMatchObject({
    ok: true,
    producers: [
      { last: 12, present: 10, duplicates: 0, gaps: [{ from: 8, to: 9, reason: 'ring_full' }] },
    ],
  })
  world.put({ incarnation: 4 }, [layoutFrame(), records(1, 3)])
  expect(await verify(world, SPOOL)).toMatchObject({
    ok: true,
    producers: [{ last: 12 }, { id: 'g7q2.1.0-4', last: 3, present: 3, open_ended: false }],
  })
  expect(await verify(world, '/nowhere')).toMatchObject({ ok: true, producers: [{ last: 5 }] })
})

test('verifyRecords() is content with what retention has deleted', async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  world.put({}, [layoutFrame(), records(1, 5)])
  await world.run(world.start())
  const [path] = world.filesBelow(`${ROOT}/endpoint=flights`)
  // There is room for one such file.
  world.retention = { bytesMax: world.files.stat(path!)!.bytes * 1.5, daysMax: 0 }
  const shipping = world.start()
  world.nowMs = HOUR_MS
  world.put({ number: 2 }, [layoutFrame(), records(6, 9)])
  await world.run(shipping)
  expect(await verify(world)).toMatchObject({
    ok: true,
    producers: [{ present: 4, gaps: [{ from: 1, to: 5, reason: 'retention' }] }],
  })
})

/** Thirty records of one hour, which is over: its three files are to become one. */
const worldOfThreeFiles = async (): Promise<ShippingWorld> => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  const shipping = world.start()
  for (let number = 1; number <= 3; number++) {
    world.put({ number }, [layoutFrame(), records(number * 10 - 9, number * 10)])
    await world.run(shipping)
  }
  world.nowMs = 2 * HOUR_MS
  return world
}

test('verifyRecords() does not count what a merged file replaces, though it is still there', async () => {
  const world = await worldOfThreeFiles()
  // Killed after the first file that the merged one replaces was unlinked, behind its own note.
  let unlinked = 0
  const calls = failingFiles(world.files, (call) =>
    call === 'unlink' && ++unlinked === 3 ? { crash: 'before' } : null,
  )
  await world.run(world.start(calls), () => calls.isCrashed)
  expect(world.filesBelow(`${ROOT}/endpoint=flights`).length).toBe(3)
  expect(await verify(world)).toMatchObject({
    ok: true,
    producers: [{ present: 30, duplicates: 0, gaps: [] }],
  })
})

/** The methods of the file system, one of which ships what is waiting before it looks. */
const shippingAt = (
  world: ShippingWorld,
  isMoment: (call: 'readdir' | 'open', path: string) => boolean,
  ship: () => Promise<void>,
) => {
  let waiting: Promise<void> | null = null
  const at = (call: 'readdir' | 'open', path: string) => {
    if (waiting === null && isMoment(call, path)) waiting = ship()
  }
  const files = {
    ...bound(world),
    readdir: (path: string) => {
      at('readdir', path)
      return world.files.readdir(path)
    },
    open: (path: string, flags: string) => {
      at('open', path)
      return world.files.open(path, flags)
    },
  }
  return { files, done: () => waiting }
}

test('verifyRecords() is content with what is recorded and shipped while it looks', async () => {
  // Before each of its steps in turn: accounts, spool, list of files, first file.
  const moments = [
    (call: string, path: string) => call === 'readdir' && path.endsWith('_producers'),
    (call: string, path: string) => call === 'readdir' && path === SPOOL,
    (call: string, path: string) => call === 'readdir' && path === ROOT,
    (call: string, path: string) => call === 'open' && path.endsWith('.parquet'),
  ]
  for (const spool of [null, SPOOL]) {
    for (const isMoment of moments) {
      const world = new ShippingWorld()
      world.alive.add(4711)
      const shipping = world.start()
      world.put({}, [layoutFrame(), records(1, 5)])
      await world.run(shipping)
      const ship = async () => {
        world.put({}, [layoutFrame(), records(1, 5), records(6, 9), SEAL])
        world.put({ number: 2 }, [layoutFrame(), records(10, 12)])
        world.put({ incarnation: 4 }, [layoutFrame(), records(1, 3)])
        await world.run(shipping)
      }
      const { files, done } = shippingAt(world, isMoment, ship)
      const { problems } = await verifyRecords(files, ROOT, { spool })
      await done()
      expect(problems, String(isMoment)).toEqual([])
    }
  }
})

test('verifyRecords() says of a producer that was killed what it took, before that is shipped', async () => {
  const world = new ShippingWorld()
  world.alive.add(4711)
  world.put({}, [layoutFrame(), records(1, 5, { floor: 6, taken: 9 })])
  const [alive] = (await verify(world, SPOOL)).producers
  expect(alive).toMatchObject({ last: 5, gaps: [], open_ended: false })
  world.alive.clear()
  const report = await verify(world, SPOOL)
  expect(report).toMatchObject({
    ...{ ok: true, problems: [] },
    producers: [{ last: 9, gaps: [{ from: 6, to: 9, reason: 'killed' }], open_ended: true }],
  })
  await world.run(world.start())
  expect((await verify(world)).producers).toEqual(report.producers)
})

test('verifyRecords() knows one that ended in order from one that was killed', async () => {
  const world = new ShippingWorld()
  world.put({}, [layoutFrame(), records(1, 5), ended(5)])
  const [producer] = (await verify(world, SPOOL)).producers
  expect(producer).toMatchObject({ last: 5, gaps: [], open_ended: false })
})

test('verifyRecords() refuses a folder that is not there', async () => {
  const { files } = new ShippingWorld()
  const refusal = expect.objectContaining({ code: 'FILE_INVALID' })
  await expect(verifyRecords(files, '/nowhere')).rejects.toThrow(refusal)
  expect(await verifyRecords(files, '/nowhere', { spool: SPOOL })).toMatchObject({ ok: true })
})

/** Methods of a class, as an object. */
const bound = ({ files }: ShippingWorld) => ({
  open: files.open.bind(files),
  write: files.write.bind(files),
  read: files.read.bind(files),
  fsync: files.fsync.bind(files),
  ftruncate: files.ftruncate.bind(files),
  close: files.close.bind(files),
  rename: files.rename.bind(files),
  link: files.link.bind(files),
  unlink: files.unlink.bind(files),
  mkdir: files.mkdir.bind(files),
  rmdir: files.rmdir.bind(files),
  readdir: files.readdir.bind(files),
  stat: files.stat.bind(files),
})
