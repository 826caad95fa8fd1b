import { expect, test } from 'vitest'
import { Attempts } from '../../../../src/records/shipping/attempts.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { putFile } from '../../../helpers/segments.ts'

const PATH = '/note.json'

class World {
  readonly files = new CrashFiles()
  readonly faults: string[] = []

  /** The next process. */
  start(): Attempts {
    const onFault = (where: string, detail: string) => void this.faults.push(`${where}: ${detail}`)
    const attempts = new Attempts({ files: this.files, path: PATH, onFault })
    attempts.open()
    return attempts
  }

  get hasNote(): boolean {
    return this.files.stat(PATH) !== null
  }
}

/** Processes that end at a frame, until `isOver` says that it is enough. */
const die = (world: World, times: number, offset = 8): number[] =>
  Array.from({ length: times }, () => {
    const attempts = world.start()
    attempts.begin('a.seg', offset)
    return attempts.framesMax
  })

test('what is committed leaves no note', () => {
  const world = new World()
  const attempts = world.start()
  expect(attempts.begin('a.seg', 8)).toBe('take')
  expect(world.hasNote).toBe(true)
  attempts.commit(1)
  expect(world.hasNote).toBe(false)
  expect(attempts.framesMax).toBe(Number.POSITIVE_INFINITY)
})

test('from end to end fewer frames are read, and one that ends it alone is set aside', () => {
  const world = new World()
  expect(die(world, 6)).toEqual([Infinity, Infinity, 4096, 256, 16, 1])
  expect(world.faults.at(-1)).toMatch(/5 shippers have ended .*: frames are read 1 at a time/)
  expect(world.start().begin('a.seg', 8)).toBe('take')
  expect(world.start().begin('a.seg', 8)).toBe('setAside')
  expect(world.start().begin('a.seg', 8)).toBe('setAside')
  expect(world.start().begin('a.seg', 8)).toBe('giveUp')
  const attempts = world.start()
  expect([attempts.begin('a.seg', 16), attempts.begin('b.seg', 8)]).toEqual(['take', 'take'])
})

test('a note that was of a process that was well is none of an end', () => {
  const world = new World()
  for (let times = 0; times < 10; times++) {
    const attempts = world.start()
    attempts.begin('a.seg', 8)
    attempts.spare()
  }
  expect(world.hasNote).toBe(false)
  expect(world.start().framesMax).toBe(Number.POSITIVE_INFINITY)
})

test('what was read alone and is not to blame is forgotten', () => {
  const world = new World()
  die(world, 6)
  const attempts = world.start()
  attempts.begin('a.seg', 8)
  attempts.spare()
  expect(world.start().begin('a.seg', 8)).toBe('take')
})

test('after so many frames that are well more are read at once, in the end as many as there are', () => {
  const world = new World()
  die(world, 6)
  const attempts = world.start()
  const seen: number[] = []
  for (let times = 0; world.hasNote; times++) {
    if (seen.at(-1) !== attempts.framesMax) seen.push(attempts.framesMax)
    attempts.begin('a.seg', 100 + times)
    attempts.commit(Math.min(attempts.framesMax, 1000))
  }
  expect(seen).toEqual([1, 16, 256, 4096])
  expect(attempts.framesMax).toBe(Number.POSITIVE_INFINITY)
})

test('a note that cannot be read, and one that cannot be written, hold nothing up', () => {
  const world = new World()
  putFile(world.files, PATH, Uint8Array.of(123))
  expect(world.start().begin('a.seg', 8)).toBe('take')
  expect(world.faults.join()).toMatch(/is not known/)
  world.files.rename = () => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  }
  const attempts = world.start()
  expect(attempts.begin('a.seg', 8)).toBe('take')
  attempts.commit(1)
  expect(world.faults.join()).toMatch(/is not noted/)
})
