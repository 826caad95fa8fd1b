import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../../src/config/parsers.ts'
import { RepositoryReader } from '../../../../src/control/repository/repository-reader.ts'
import type { ModelStamp } from '../../../../src/registry/file-stamps.ts'
import type {
  RepositoryFault,
  RepositoryScan,
  ScannedModel,
} from '../../../../src/registry/folder.ts'
import { GatewayError, refuse } from '../../../../src/shared/errors.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import { FakeClock } from '../../../helpers/fake-clock.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const MODEL: ScannedModel = {
  ...{ name: 'm', aliases: {}, config: repositoryParsers.defaultConfig },
  ...{ versions: [], faults: [], isBroken: false },
}
const AT_REST: ModelStamp = { settings: { text: '', changedMs: 0 }, versions: new Map() }
const EMPTY: RepositoryScan = { models: [], faults: [] }

/** A reader of what `found` gives, and what it has logged. */
const makeReader = (
  found: () => RepositoryScan,
  stamp: (model: string) => ModelStamp = () => AT_REST,
) => {
  const file = join(makeTempDir(), 'log')
  const logger = createLogger({ level: 'info', component: 'test', fd: openSync(file, 'w') })
  const clock = new FakeClock()
  const repository = {
    scan: found,
    scanModel: (name: string) => found().models.find((each) => each.name === name) ?? null,
    stamps: () => new Map(found().models.map(({ name }) => [name, stamp(name)] as const)),
    stampModel: stamp,
  }
  const retries = () => ({ max: 2, firstMs: 1000 })
  const reader = new RepositoryReader({ repository, clock, logger, retries })
  return { reader, clock, log: () => readFileSync(file, 'utf8') }
}

test('read() gives what it finds, and says what is odd about it', () => {
  const faults = [refuse('MODEL_INVALID', "'x y' cannot be the name of a model")]
  const { reader } = makeReader(() => ({ ...EMPTY, faults }))
  expect(reader.warnings()).toEqual([])
  expect(reader.read()).toEqual({ ...EMPTY, faults })
  expect(reader.warnings()).toEqual([faults[0]!.detail, 'The model repository holds no model'])
})

test('read() logs what is odd once, with its model and file, and again when it comes back', () => {
  const detail = 'config.pbtxt:2:1  instance_group: is not obeyed'
  const fault = { ...refuse('MODEL_CONFIG_INVALID', detail), file: 'm/config.pbtxt' }
  let faults: readonly RepositoryFault[] = [fault]
  const { reader, log } = makeReader(() => ({ ...EMPTY, models: [{ ...MODEL, faults }] }))
  const lines = () =>
    log()
      .split('\n')
      .filter((line) => line.includes('repository_fault'))
  reader.read()
  reader.read()
  expect(lines().map((line) => JSON.parse(line) as object)).toMatchObject([
    { level: 'warn', model: 'm', code: fault.code, file: fault.file, msg: detail },
  ])
  faults = []
  reader.read()
  faults = [fault]
  reader.read()
  expect(lines()).toHaveLength(2)
})

test('read() remembers and logs why it failed, by code, until it succeeds again', () => {
  let isThere = false
  const { reader, log } = makeReader(() => {
    if (isThere) return { ...EMPTY, models: [MODEL] }
    throw new GatewayError('REPOSITORY_UNREADABLE', 'It does not exist')
  })
  expect(reader.read()).toBeNull()
  expect(reader.fault).toEqual({ code: 'REPOSITORY_UNREADABLE', detail: 'It does not exist' })
  expect(reader.warnings()).toEqual(['It does not exist; what was served before is served on'])
  expect(log()).toMatch(/"event":"repository_unreadable","code":"REPOSITORY_UNREADABLE"/)
  expect(log()).not.toMatch(/stack/)
  isThere = true
  expect(reader.read()).not.toBeNull()
  expect([reader.fault, reader.warnings()]).toEqual([null, []])
})

test('read() logs a fault of ours with its stack, and tells nobody else', () => {
  const { reader, log } = makeReader(() => {
    throw new TypeError('x is not a function')
  })
  expect(reader.read()).toBeNull()
  expect(reader.fault).toEqual({ code: 'INTERNAL', detail: 'Internal error' })
  expect(log()).toMatch(/"stack":"TypeError: x is not a function/)
})

test('a repository that cannot be read is read again by itself, so many times', async () => {
  const { reader, clock } = makeReader(() => {
    throw new GatewayError('REPOSITORY_UNREADABLE', 'It does not exist')
  })
  const delays: number[] = []
  for (let i = 0; i < 3; i++) {
    reader.read()
    delays.push(reader.readAtMs - clock.monotonic())
  }
  expect(delays).toEqual([1000, 2000, Number.POSITIVE_INFINITY])
})

test('what is still being written is held back, and looked at again', async () => {
  let text = 'a'
  const { reader, clock } = makeReader(
    () => ({ ...EMPTY, models: [MODEL] }),
    () => ({ ...AT_REST, settings: { text, changedMs: clock.now() } }),
  )
  expect(reader.read()?.models[0]).toMatchObject({ isBroken: true })
  expect([reader.isRestless, reader.lookAtMs - clock.monotonic()]).toEqual([true, 1000])
  await clock.advance(1000)
  text = 'b'
  expect(reader.due(clock.monotonic())).toEqual(['m'])
  expect(reader.readModel('m')).toMatchObject({ isBroken: true })
  await clock.advance(1000)
  expect(reader.readModel('m')).toMatchObject({ isBroken: false })
  expect([reader.isRestless, reader.lookAtMs]).toEqual([false, Number.POSITIVE_INFINITY])
})

test('changed() names what has come, gone or changed since it was read', () => {
  let texts: Record<string, string> = { a: '1', b: '1' }
  const models = () => Object.keys(texts).map((name) => ({ ...MODEL, name }))
  const stamp = (name: string) => ({ ...AT_REST, settings: { text: texts[name]!, changedMs: 0 } })
  const { reader } = makeReader(() => ({ ...EMPTY, models: models() }), stamp)
  reader.read()
  expect(reader.changed()).toEqual([])
  texts = { a: '2', c: '1' }
  expect(reader.changed()).toEqual(['a', 'c', 'b'])
  for (const name of ['a', 'c']) reader.readModel(name)
  expect(reader.readModel('b')).toBeNull()
  expect(reader.changed()).toEqual([])
  texts = { ...texts, 'no model': '1' }
  expect(reader.changed()).toBeNull()
})
