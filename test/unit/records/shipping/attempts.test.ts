import { expect, test } from 'vitest'
import { Attempts } from '../../../../src/records/shipping/attempts.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { putFile } from '../../../helpers/segments.ts'

const PATH = '/note.json'
const always = () => true

class World {
  readonly files = new CrashFiles()
  readonly faults: string[] = []
  #pid = 0
  failedPid: number | null = null

  /** The next process. */
  start(): Attempts {
    const onFault = (where: string, detail: string) => void this.faults.push(`${where}: ${detail}`)
    const lives = { pid: ++this.#pid, failedPid: this.failedPid }
    const attempts = new Attempts({ files: this.files, path: PATH, lives, onFault })
    attempts.open()
    return attempts
  }

  /** That process has ended by itself. */
  fail(): void {
    this.failedPid = this.#pid
  }

  get hasNote(): boolean {
    return this.files.stat(PATH) !== null
  }
}

/** Processes that end by themselves at a frame. */
const die = (world: World, times: number, offset = 8): number[] =>
  Array.from({ length: times }, () => {
    const attempts = world.start()
    attempts.begin('a.seg', offset)
    world.fail()
    return attempts.framesMax
  })

test('what is committed leaves no note', () => {
  const world = new World()
  const attempts = world.start()
  expect(attempts.begin('a.seg', 8)).toBe('take')
  expect(world.hasNote).toBe(true)
  attempts.commit(1, always)
  expect(world.hasNote).toBe(false)
  expect(attempts.framesMax).toBe(Number.POSITIVE_INFINITY)
})

test('from end to end fewer frames are read, and one that ends it alone is set aside', () => {
  const world = new World()
  expect(die(world, 6)).toEqual([Infinity, Infinity, 4096, 256, 16, 1])
  expect(world.faults.at(-1)).toMatch(/5 shippers have ended .*: frames are read 1 at a time/)
  for (const handling of ['take', 'setAside', 'setAside', 'passOver', 'passOver']) {
    expect(world.start().begin('a.seg', 8)).toBe(handling)
    world.fail()
  }
  const attempts = world.start()
  expect([attempts.begin('a.seg', 16), attempts.begin('b.seg', 8)]).toEqual(['take', 'take'])
})

test('a frame at which others have killed it waits in the next process, and is never set aside', () => {
  const world = new World()
  for (let times = 0; times < 20; times++) world.start().begin('a.seg', 8)
  for (let times = 0; times < 20; times++) {
    const attempts = world.start()
    expect([attempts.framesMax, attempts.begin('a.seg', 8)]).toEqual([1, 'passOver'])
    expect(attempts.begin('a.seg', 8)).toBe('take')
  }
})

test('what others have killed it at is read alone, however many others are read at once', () => {
  const world = new World()
  for (let times = 0; times < 9; times++) world.start().begin('a.seg', 8)
  const others = world.start()
  for (let times = 0; others.framesMax < Infinity; times++) {
    others.begin('b.seg', 100 + times)
    others.commit(Math.min(others.framesMax, 1000), always)
  }
  for (const handling of ['take', 'take', 'setAside']) {
    const attempts = world.start()
    expect(attempts.begin('b.seg', 8)).toBe('take')
    if (handling === 'take') expect(attempts.begin('a.seg', 8, false)).toBe('passOver')
    expect(attempts.begin('a.seg', 8, false)).toBe('commitFirst')
    expect(attempts.framesMax).toBe(Infinity)
    attempts.commit(1, always)
    expect([attempts.begin('a.seg', 8), attempts.framesMax]).toEqual([handling, 1])
    // What the disk refuses is tried again, and it alone.
    attempts.spare()
    attempts.beginAgain()
    expect(attempts.framesMax).toBe(1)
    world.fail()
  }
  const attempts = world.start()
  attempts.begin('a.seg', 8)
  attempts.commit(1, always)
  expect(attempts.framesMax).toBe(Infinity)
})

test('what is read behind a suspect that held no records is not taken for it', () => {
  const world = new World()
  for (let times = 0; times < 9; times++) world.start().begin('a.seg', 8)
  const attempts = world.start()
  attempts.begin('b.seg', 8)
  attempts.commit(1e6, always)
  for (let times = 0; times < 20; times++) {
    const next = world.start()
    next.begin('a.seg', 8)
    next.begin('a.seg', 8)
    next.begin('a.seg', 16)
    world.fail()
  }
  expect(world.start().begin('a.seg', 8)).toBe('passOver')
})

test('ends count until all that there is is shipped, whatever is committed before', () => {
  for (const isShipped of [false, true]) {
    const world = new World()
    for (let times = 0; times < 4; times++) {
      const attempts = world.start()
      attempts.begin('a.seg', 8)
      attempts.commit(1, always)
      attempts.spare(isShipped)
      attempts.begin('b.seg', 8)
    }
    expect(world.start().framesMax).toBe(isShipped ? Infinity : 16)
  }
})

test('the end of a process that came to nothing says nothing of the one before it', () => {
  const world = new World()
  for (let times = 0; times < 10; times++) world.start().begin('a.seg', 8)
  for (let times = 0; times < 5; times++) {
    world.start()
    world.fail()
  }
  const attempts = world.start()
  attempts.begin('a.seg', 8)
  expect(attempts.begin('a.seg', 8)).toBe('take')
})

test('a note that was of a process that was well is none of an end', () => {
  const world = new World()
  for (let times = 0; times < 10; times++) {
    const attempts = world.start()
    attempts.begin('a.seg', 8)
    attempts.spare()
    world.fail()
  }
  expect(world.hasNote).toBe(false)
  expect(world.start().framesMax).toBe(Number.POSITIVE_INFINITY)
})

test('what was read alone and is not to blame is forgotten, unless it is written again', () => {
  const world = new World()
  die(world, 6)
  const attempts = world.start()
  attempts.begin('a.seg', 8)
  attempts.spare()
  world.fail()
  expect(world.start().begin('a.seg', 8)).toBe('take')
  world.fail()
  const again = world.start()
  again.begin('b.seg', 8)
  again.spare()
  again.beginAgain()
  world.fail()
  world.start().begin('b.seg', 8)
  world.fail()
  expect(world.start().begin('b.seg', 8)).toBe('setAside')
})

test('after so many frames that are well more are read at once, in the end as many as there are', () => {
  const world = new World()
  die(world, 6)
  const attempts = world.start()
  const seen: number[] = []
  for (let times = 0; attempts.framesMax < Infinity; times++) {
    if (seen.at(-1) !== attempts.framesMax) seen.push(attempts.framesMax)
    attempts.begin('a.seg', 100 + times)
    attempts.commit(Math.min(attempts.framesMax, 1000), always)
  }
  expect(seen).toEqual([1, 16, 256, 4096])
})

test('what is known of a frame is known as long as its segment is there', () => {
  const world = new World()
  die(world, 10)
  const attempts = world.start()
  for (let times = 0; times < 200; times++) {
    attempts.begin('b.seg', 100 + times)
    attempts.commit(1000, always)
  }
  expect(attempts.framesMax).toBe(Number.POSITIVE_INFINITY)
  expect(attempts.begin('a.seg', 8)).toBe('passOver')
  expect(world.start().begin('a.seg', 8)).toBe('passOver')
  attempts.begin('b.seg', 8)
  attempts.commit(1, (file) => file !== 'a.seg')
  expect(world.hasNote).toBe(false)
  expect(world.start().begin('a.seg', 8)).toBe('take')
})

test('a folder in which two have ended is left alone, whoever ended them, and no frame is blamed', () => {
  const world = new World()
  for (const isAllowed of [true, true, false, false]) {
    expect(world.start().beginExtra('hour=1')).toBe(isAllowed)
  }
  const attempts = world.start()
  expect(attempts.framesMax).toBe(Number.POSITIVE_INFINITY)
  expect(attempts.beginExtra('hour=2')).toBe(true)
  attempts.endExtra()
  attempts.begin('a.seg', 8)
  attempts.commit(1, () => false)
  for (let times = 0; times < 5; times++) {
    const next = world.start()
    expect([next.beginExtra('hour=1'), next.beginExtra('hour=2')]).toEqual([false, true])
    next.endExtra()
  }
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
  attempts.commit(1, always)
  expect(world.faults.join()).toMatch(/is not noted/)
})
