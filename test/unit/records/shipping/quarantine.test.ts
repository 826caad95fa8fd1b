import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeRoom, retireKept, setAside } from '../../../../src/records/shipping/quarantine.ts'
import { systemFiles } from '../../../../src/records/spool/file-calls.ts'
import { PatientLooks } from '../../../../src/records/spool/patient-looks.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { spoilInodes } from '../../../helpers/records/bad-pages.ts'
import { putFile } from '../../../helpers/segments.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const world = (bytesMax = 1000) => {
  const files = new CrashFiles()
  files.mkdir('/spool')
  const faults: string[] = []
  const put = (name: string, bytes: number) =>
    putFile(files, `/spool/${name}`, new Uint8Array(bytes).fill(1))
  const onFault = (where: string, thrown: unknown) => void faults.push(`${where}: ${thrown}`)
  const clock = { nowMs: 0 }
  const looks = new PatientLooks({
    ...{ files, folder: '/spool/quarantine', monotonic: () => clock.nowMs },
  })
  const options = { files, folder: '/spool', looks, bytesMax, onFault }
  const move = (name: string, isTorn?: boolean) =>
    makeRoom(setAside(name, options, isTorn), options)
  const kept = () => files.readdir('/spool/quarantine').sort()
  return { files, faults, options, clock, put, move, kept }
}

test('setAside() keeps a segment, also where there was one of its name', () => {
  const { files, put, move, kept } = world()
  for (const bytes of [10, 20, 30]) {
    put('r0-i1-g0-1.seg', bytes)
    move('r0-i1-g0-1.seg')
  }
  expect(kept()).toEqual(['r0-i1-g0-1.seg', 'r0-i1-g0-1.seg.2', 'r0-i1-g0-1.seg.3'])
  expect(files.stat('/spool/quarantine/r0-i1-g0-1.seg.3')?.bytes).toBe(30)
  expect(files.readdir('/spool')).toEqual(['quarantine'])
})

test('setAside() throws where it cannot look, and where there are too many of a name', () => {
  const { files, put, move } = world()
  put('r0-i1-g0-1.seg', 10)
  files.mkdir('/spool/quarantine')
  const { stat } = files
  let looks = 0
  for (const errno of ['EACCES', 'EIO', '']) {
    files.stat = (path) => {
      if (!path.startsWith('/spool/quarantine/')) return stat.call(files, path)
      if (++looks > 10_000) throw new Error('it comes to no end')
      if (errno === '') return stat.call(files, '/spool/r0-i1-g0-1.seg')
      throw Object.assign(new Error(errno), { code: errno })
    }
    expect(() => move('r0-i1-g0-1.seg')).toThrow(errno || /has r0-i1-g0-1.seg too often/)
    expect(files.readdir('/spool')).toContain('r0-i1-g0-1.seg')
  }
  expect(looks).toBeLessThan(1100)
})

test('setAside() deletes the oldest where there is no room, says so, and keeps the newest', () => {
  const { put, move, kept, faults } = world(100)
  for (const [number, bytes] of [60, 30, 30, 500].entries()) {
    put(`r0-i1-g0-${number}.seg`, bytes)
    move(`r0-i1-g0-${number}.seg`)
    if (number === 2) expect(kept()).toEqual(['r0-i1-g0-1.seg', 'r0-i1-g0-2.seg'])
  }
  expect(kept()).toEqual(['r0-i1-g0-3.seg'])
  expect(faults).toHaveLength(3)
  expect(faults[0]).toBe('r0-i1-g0-0.seg: deleted: the quarantine has room for 100 bytes')
})

test('makeRoom() throws what the disk does, and what was moved is there', () => {
  const { files, put, move, kept } = world()
  files.mkdir('/spool/quarantine')
  put('r0-i1-g0-1.seg', 10)
  files.fsync = () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  }
  expect(() => move('r0-i1-g0-1.seg')).toThrow('EIO')
  expect(kept()).toEqual(['r0-i1-g0-1.seg'])
})

test('makeRoom() looks once at what is there, however many have come', () => {
  const { files, options, put, kept } = world(100)
  let looks = 0
  const { readdir } = files
  files.readdir = (path) => {
    looks++
    return readdir.call(files, path)
  }
  const names = Array.from({ length: 50 }, (_, i) => `r0-i1-g0-${i + 1}.seg`)
  for (const name of names) {
    put(name, 10)
    setAside(name, options)
  }
  expect(looks).toBe(0)
  makeRoom(names.at(-1)!, options)
  expect([looks, kept().length]).toEqual([1, 10])
})

test('setAside() deletes what only ends in half a frame before what is kept nowhere else', () => {
  const { put, move, kept } = world(100)
  const ends = [false, true, false, true, true]
  for (const [number, isTorn] of ends.entries()) {
    put(`r0-i1-g0-${number}.seg`, 40)
    move(`r0-i1-g0-${number}.seg`, isTorn)
  }
  // The last one had no room either.
  expect(kept()).toEqual(['r0-i1-g0-0.seg', 'r0-i1-g0-2.seg'])
})

test('retireKept() keeps what was written long ago until it has been there for long', () => {
  const folder = makeTempDir('quarantine')
  const looks = new PatientLooks({
    ...{ files: systemFiles, folder: join(folder, 'quarantine'), monotonic: () => 0 },
  })
  const options = { files: systemFiles, folder, looks, onFault: () => {} }
  const nowMs = Date.now()
  const dayMs = 86_400_000
  // Of a month ago, of a clock that was not set, and of one that was years ahead.
  const written = [nowMs - 31 * dayMs, 60_000, nowMs + 3000 * dayMs]
  for (const [number, ms] of written.entries()) {
    const name = `r0-i1-g0-${number}.seg`
    writeFileSync(join(folder, name), 'x')
    utimesSync(join(folder, name), ms / 1000, ms / 1000)
    setAside(name, options)
  }
  const kept = () => readdirSync(join(folder, 'quarantine'))
  retireKept(options, 30, nowMs + 29 * dayMs)
  expect(kept()).toHaveLength(3)
  retireKept(options, 30, nowMs + 31 * dayMs)
  expect(kept()).toEqual([])
})

test('one that nobody can delete keeps none of the others', () => {
  const { files, options, put, move, kept, faults } = world(100)
  const { unlink } = files
  files.unlink = (path) => {
    if (path.endsWith('-1.seg')) throw Object.assign(new Error('EPERM'), { code: 'EPERM' })
    unlink.call(files, path)
  }
  for (const number of [1, 2, 3]) {
    put(`r0-i1-g0-${number}.seg`, 40)
    move(`r0-i1-g0-${number}.seg`)
  }
  expect(kept()).toEqual(['r0-i1-g0-1.seg', 'r0-i1-g0-3.seg'])
  retireKept(options, 30, 31 * 86_400_000)
  expect(kept()).toEqual(['r0-i1-g0-1.seg'])
  expect(faults.filter((fault) => fault === 'r0-i1-g0-1.seg: Error: EPERM')).toHaveLength(2)
})

test('retireKept() deletes what has been there for longer than records may be kept', () => {
  const { files, options, put, move, kept, faults } = world()
  const dayMs = 86_400_000
  retireKept(options, 30, 31 * dayMs)
  put('r0-i1-g0-1.seg', 10)
  move('r0-i1-g0-1.seg')
  put('r0-i1-g0-2.seg', 10)
  move('r0-i1-g0-2.seg', true)
  putFile(files, '/spool/quarantine/notes.txt', Uint8Array.of(1))
  retireKept(options, 0, 31 * dayMs)
  retireKept(options, 30, 30 * dayMs)
  expect(kept()).toHaveLength(3)
  retireKept(options, 30, 30 * dayMs + 1)
  expect(kept()).toEqual(['notes.txt'])
  expect(faults.sort()).toEqual([
    'r0-i1-g0-1.seg: deleted: it was in the quarantine for more than 30 days',
    'r0-i1-g0-2.seg.torn: deleted: it was in the quarantine for more than 30 days',
  ])
})

test('retireKept() waits for one at a time that the disk does not let be seen, and has others go', () => {
  const { files, options, clock, put, move, kept } = world()
  const names = Array.from({ length: 12 }, (_, i) => `r0-i1-g0-${i + 1}.seg`)
  for (const name of names) {
    put(name, 10)
    move(name)
  }
  const bad = names.slice(0, 5)
  spoilInodes(
    files,
    bad.map((name) => `/spool/quarantine/${name}`),
    {
      onAsked: () => {
        clock.nowMs += 7000
      },
    },
  )
  for (let hour = 0; hour < 8; hour++) {
    const sinceMs = clock.nowMs
    retireKept(options, 30, Date.now() + 31 * 86_400_000)
    expect(clock.nowMs - sinceMs).toBeLessThan(8000)
    clock.nowMs += 3_600_000
  }
  expect(kept()).toEqual(bad)
})
