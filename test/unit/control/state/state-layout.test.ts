import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { judgeStateFolder, makeStateFolder } from '../../../../src/control/state/state-layout.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

type Entry = string | { readonly linkTo: 'elsewhere' } | Tree
interface Tree {
  readonly [name: string]: Entry
}

const write = (folder: string, tree: Tree, elsewhere: string): void => {
  for (const [name, entry] of Object.entries(tree)) {
    const path = join(folder, name)
    if (typeof entry === 'string') writeFileSync(path, entry)
    else if (entry['linkTo'] === 'elsewhere') symlinkSync(elsewhere, path)
    else {
      mkdirSync(path, { mode: 0o755 })
      write(path, entry as Tree, elsewhere)
    }
  }
}

/** A folder as described, open to others, and the one that its links lead to. */
const makeTree = (tree: Tree): { folder: string; elsewhere: string } => {
  const elsewhere = makeTempDir()
  const folder = makeTempDir()
  write(folder, tree, elsewhere)
  for (const path of [folder, elsewhere]) chmodSync(path, 0o755)
  return { folder, elsewhere }
}

const formatOf = (name: string) => JSON.stringify({ format: { name, version: 1 } })
const LINK = { linkTo: 'elsewhere' } as const
const OURS = { 'gateway.json': formatOf('sluice.gateway') }

test.each<[string, Tree]>([
  ['another program', { 'thesis.tex': '' }],
  ['another program, with a folder of a name of ours', { lock: {}, 'thesis.tex': '' }],
  ['/var: links to its locks and processes', { lock: LINK, run: LINK, log: {}, lib: {} }],
  ['another program: only links', { lock: LINK, run: LINK }],
  ['another gateway program', { 'gateway.json': '{"port":8080}', run: {} }],
  ['another program that locks', { lock: { '1.json': '{}', 'apt.lock': '' } }],
  ['another program that logs', { logs: { 'access.log': '' } }],
  ['us, with a link put in', { ...OURS, lock: {}, logs: LINK }],
  ['us, with a file put in', { ...OURS, lock: {}, run: 'a file' }],
])('judgeStateFolder() refuses a folder of %s, and changes nothing', (_, tree) => {
  const { folder, elsewhere } = makeTree(tree)
  const before = readdirSync(folder, { recursive: true })
  expect(() => judgeStateFolder(folder)).toThrow(
    expect.objectContaining({ code: 'STATE_DIR_INVALID' }),
  )
  expect(readdirSync(folder, { recursive: true })).toEqual(before)
  for (const path of [folder, elsewhere]) expect(statSync(path).mode & 0o777).toBe(0o755)
})

test.each<[string, Tree]>([
  ['nothing', {}],
  ['what mkfs leaves', { 'lost+found': {} }],
  ['our mark', { ...OURS, lock: {}, run: {}, logs: { 'replica-0.log': '' }, 'notes.txt': '' }],
  [
    'a damaged mark beside a lock',
    { 'gateway.json': 'x', lock: { '3.json': formatOf('sluice.lock') } },
  ],
  ['a mark of a newer release', { 'gateway.json': formatOf('sluice.gateway').replace('1', '9') }],
  ['the folders of a start that was cut off', { lock: {}, run: {} }],
  ['a lock that was cut off', { lock: { '1.json.sluice-tmp-7-1': '{' }, run: {} }],
])('judgeStateFolder() takes a folder with %s', (_, tree) => {
  const { folder } = makeTree(tree)
  judgeStateFolder(folder)
  judgeStateFolder(join(folder, 'not', 'there'))
})

test('makeStateFolder() says what to do about a folder that it may not close to others', () => {
  const { folder } = makeTree({})
  const failing = (code: string) => () => {
    throw Object.assign(new Error(`${code}: chmod ${folder}`), { code })
  }
  // A volume of root's that its group may write: a container without its owner's rights.
  expect(() => makeStateFolder(folder, failing('EPERM'))).toThrow(
    expect.objectContaining({
      code: 'STATE_DIR_INVALID',
      message: expect.stringMatching(/belongs to another user.*a folder inside it.*--state-dir$/),
    }),
  )
  expect(() => makeStateFolder(folder, failing('EROFS'))).toThrow('EROFS')
  makeStateFolder(join(folder, 'inside'), failing('EPERM'))
  expect(lstatSync(join(folder, 'inside')).mode & 0o777).toBe(0o700)
})

test('makeStateFolder() makes what is missing, for nobody else', () => {
  const { folder } = makeTree({ logs: {} })
  makeStateFolder(folder)
  makeStateFolder(folder)
  makeStateFolder(join(folder, 'a', 'b'))
  for (const path of ['.', 'lock', 'run', 'logs', 'a/b', 'a/b/proven']) {
    expect([path, lstatSync(join(folder, path)).mode & 0o777]).toEqual([path, 0o700])
  }
})
