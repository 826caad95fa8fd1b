import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { RepositoryReader } from '../../../src/control/repository-reader.ts'
import type { RepositoryFault, RepositoryScan, ScannedModel } from '../../../src/registry/folder.ts'
import { GatewayError, refuse } from '../../../src/shared/errors.ts'
import { createLogger } from '../../../src/shared/logger.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const MODEL: ScannedModel = {
  ...{ name: 'm', aliases: {}, config: repositoryParsers.defaultConfig },
  ...{ versions: [], faults: [], isBroken: false },
}
const EMPTY: RepositoryScan = { models: [], faults: [] }

/** A reader of what `found` gives, and what it has logged. */
const makeReader = (found: () => RepositoryScan) => {
  const file = join(makeTempDir(), 'log')
  const logger = createLogger({ level: 'info', component: 'test', fd: openSync(file, 'w') })
  return { reader: new RepositoryReader(found, logger), log: () => readFileSync(file, 'utf8') }
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
