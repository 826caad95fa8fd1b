import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { recordsPlace } from '../../../src/cli/records-place.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

/** What a verb finds in a folder with this sluice.yaml, or with none. */
const placeIn = (yaml: string | null, told: { path?: string; stateDir?: string } = {}) => {
  const cwd = makeTempDir('place')
  if (yaml !== null) writeFileSync(join(cwd, 'sluice.yaml'), yaml)
  mkdirSync(join(cwd, 'copy'))
  const at = (path: string | undefined) => (path === undefined ? path : join(cwd, path))
  const config = { flags: {}, env: {}, cwd }
  const given = { path: at(told.path), stateDir: at(told.stateDir), config }
  const { path, spool, stateDir } = recordsPlace(given)
  const inside = (found: string | null) => found?.replace(`${cwd}/`, '') ?? null
  return { path: inside(path), spool: inside(spool), stateDir: inside(stateDir) }
}

const OWN = { path: 'data/records', stateDir: '.sluice', spool: '.sluice/spool' }

test('recordsPlace() is the default one where there is no config', () => {
  expect(placeIn(null)).toEqual(OWN)
})

test('recordsPlace() is what the config says, whatever else is wrong with it', () => {
  const yaml = 'model_repository: gone\nstate_dir: s\nrecords: {path: r}\nserver: {threads: 0}\n'
  expect(placeIn(yaml)).toEqual({ path: 'r', stateDir: 's', spool: 's/spool' })
})

test('recordsPlace() of a path alone has the spool only where it is the own one', () => {
  expect(placeIn(null, { path: 'copy' })).toEqual({ path: 'copy', stateDir: null, spool: null })
  expect(placeIn(null, { path: 'data/records' })).toEqual(OWN)
})

test('recordsPlace() refuses a path alone that leads to no folder, unless it is the own one', () => {
  expect(() => placeIn(null, { path: 'copi' })).toThrow(/^There is no folder .*copi$/)
  expect(placeIn('records: {path: r}', { path: 'r' }).path).toBe('r')
})

test('recordsPlace() takes what it is told', () => {
  const told = { path: 'copy', stateDir: 'state' }
  const wanted = { ...told, spool: 'state/spool' }
  expect(placeIn('no: [yaml', told)).toEqual(wanted)
  expect(placeIn(null, { stateDir: 'state' })).toEqual({ ...wanted, path: 'data/records' })
})

test.each([
  ['records: {path: 7}', /sluice\.yaml:1:\d+ {2}records\.path/],
  ['state_dir: []', /sluice\.yaml:1:\d+ {2}state_dir/],
  ['records: {pth: r}', /records/],
  ['no: [yaml', /sluice\.yaml:/],
])('recordsPlace() does not guess behind %j', (yaml, wanted) => {
  expect(() => placeIn(yaml)).toThrow(wanted)
})
