import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { recordsPlace } from '../../../src/cli/records-place.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

interface Told {
  readonly path?: string
  readonly stateDir?: string
  readonly use?: 'reading' | 'waiting' | 'proof'
  readonly isWithoutSpool?: boolean
}

/** What is in a folder by default: a backup, and a gateway that keeps its state elsewhere. */
const FOLDERS = ['copy/_producers', 'state/spool', 'empty']

/** What a verb finds in a folder with this sluice.yaml, or with none, and these folders. */
const placeIn = (yaml: string | null, told: Told = {}, folders: readonly string[] = FOLDERS) => {
  const cwd = makeTempDir('place')
  if (yaml !== null) writeFileSync(join(cwd, 'sluice.yaml'), yaml)
  for (const folder of folders) {
    mkdirSync(join(cwd, dirname(folder)), { recursive: true })
    if (folder.endsWith('.json')) writeFileSync(join(cwd, folder), '')
    // What leads to itself can be looked at as little as where rights are missing.
    else if (folder.startsWith('@')) symlinkSync(folder.slice(1), join(cwd, folder.slice(1)))
    else mkdirSync(join(cwd, folder), { recursive: true })
  }
  writeFileSync(join(cwd, 'file'), '')
  const at = (path: string | undefined) => (path === undefined ? path : join(cwd, path))
  const config = { flags: {}, env: {}, cwd }
  const given = { ...told, path: at(told.path), stateDir: at(told.stateDir), config }
  const { path, spool, stateDir, doubts } = recordsPlace(given)
  const inside = (found: string | null) => found?.replaceAll(`${cwd}/`, '') ?? null
  return {
    ...{ path: inside(path), spool: inside(spool), stateDir: inside(stateDir) },
    doubts: doubts.map(inside),
  }
}

const NO_SPOOL = (stateDir: string) =>
  `There is no spool in ${stateDir}: what is not in files yet is not looked at; ` +
  '--state-dir says where the gateway has its state'

const OWN = { path: 'data/records', stateDir: '.sluice', spool: '.sluice/spool', doubts: [] }

/** Folders of a gateway that has just started for the first time. */
const FRESH = ['.sluice/spool']

test('recordsPlace() is the default one where there is no config', () => {
  expect(placeIn(null, {}, FRESH)).toEqual(OWN)
  expect(placeIn(null, { use: 'proof' }, FRESH)).toEqual(OWN)
})

test('recordsPlace() is what the config says, whatever else is wrong with it', () => {
  const yaml = 'model_repository: gone\nstate_dir: s\nrecords: {path: r}\nserver: {threads: 0}\n'
  const found = { path: 'r', stateDir: 's', spool: 's/spool', doubts: [] }
  expect(placeIn(yaml, {}, ['s/spool', 'r'])).toEqual(found)
})

test('recordsPlace() of a path alone has the spool only where it is the own one', () => {
  const copy = { path: 'copy', stateDir: null, spool: null, doubts: [] }
  expect(placeIn(null, { path: 'copy' })).toEqual(copy)
  expect(placeIn(null, { path: 'data/records' }, FRESH)).toEqual(OWN)
  const alone = { ...OWN, stateDir: null, spool: null }
  expect(placeIn(null, { isWithoutSpool: true })).toEqual(alone)
})

test('recordsPlace() refuses a path alone that has no records', () => {
  expect(() => placeIn(null, { path: 'copi' })).toThrow(/^There is no folder .*copi$/)
  expect(() => placeIn(null, { path: 'empty' })).toThrow(/^There are no records in .*empty$/)
  expect(() => placeIn(null, { path: 'file' })).toThrow(/^The records at .*file cannot be read: a /)
  const waiting = placeIn(null, { path: 'empty', use: 'waiting' })
  expect(waiting).toMatchObject({ spool: null, doubts: ['There are no records in empty'] })
  for (const one of ['_producers', '_gaps', 'endpoint=m']) {
    expect(placeIn(null, { path: 'empty' }, [`empty/${one}`]).path).toBe('empty')
  }
})

test('recordsPlace() takes what it is told', () => {
  const told = { path: 'copy', stateDir: 'state' }
  const wanted = { ...told, spool: 'state/spool', doubts: [] }
  expect(placeIn('no: [yaml', told)).toEqual(wanted)
  expect(placeIn(null, { stateDir: 'state' })).toEqual({ ...wanted, path: 'data/records' })
})

test('recordsPlace() refuses a state folder that it is told and that is none, or waits for it', () => {
  for (const stateDir of ['stat', 'empty', 'copy', 'file']) {
    for (const use of ['reading', 'proof'] as const) {
      expect(() => placeIn(null, { stateDir, use })).toThrow(/^There is no (spool in|folder) /)
    }
    const { doubts, spool } = placeIn(null, { stateDir, use: 'waiting' })
    expect({ doubts, spool }).toEqual({ doubts: [NO_SPOOL(stateDir)], spool: `${stateDir}/spool` })
  }
})

test('recordsPlace() doubts a place where no gateway has been, and proves nothing there', () => {
  expect(placeIn(null)).toEqual({ ...OWN, doubts: [NO_SPOOL('.sluice')] })
  expect(() => placeIn(null, { use: 'proof' })).toThrow(
    /^There is no folder .*data\/records, and no spool in .*\.sluice$/,
  )
  const { doubts } = placeIn(null, { use: 'proof' }, ['data/records/endpoint=m'])
  expect(doubts).toEqual([NO_SPOOL('.sluice')])
})

test('recordsPlace() leaves it to others to say what may not be looked at', () => {
  for (const use of ['reading', 'waiting', 'proof'] as const) {
    expect(placeIn(null, { use }, ['@.sluice', 'data/records/endpoint=m'])).toEqual(OWN)
    expect(placeIn(null, { use, stateDir: 'state' }, ['@state', '@data']).doubts).toEqual([])
  }
  expect(() => placeIn(null, { path: 'copy' }, ['@copy'])).toThrow(/copy cannot be read: ELOOP$/)
})

test('recordsPlace() misses the records of a gateway that has written some', () => {
  const away = ['.sluice/spool', '.sluice/shipper/files.json', 'data/records']
  const why = 'There are no records in data/records, though the gateway of .sluice has written some'
  for (const use of ['reading', 'waiting'] as const) {
    expect(placeIn(null, { use }, away).doubts).toEqual([why])
  }
  expect(() => placeIn(null, { use: 'proof' }, away)).toThrow(
    /^There are no records in .*, though /,
  )
  expect(placeIn(null, { use: 'proof' }, [...away, 'data/records/_producers'])).toEqual(OWN)
})

test.each([
  ['records: {path: 7}', /sluice\.yaml:1:\d+ {2}records\.path/],
  ['state_dir: []', /sluice\.yaml:1:\d+ {2}state_dir/],
  ['records: {pth: r}', /records/],
  ['no: [yaml', /sluice\.yaml:/],
])('recordsPlace() does not guess behind %j', (yaml, wanted) => {
  expect(() => placeIn(yaml)).toThrow(wanted)
})
