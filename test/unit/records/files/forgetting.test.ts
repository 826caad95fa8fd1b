import { expect, test } from 'vitest'
import { accountPath } from '../../../../src/records/files/account-files.ts'
import { Forgetting } from '../../../../src/records/files/forgetting.ts'
import { encodeAccount, newAccount } from '../../../../src/records/shipping/account.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { refusal } from '../../../helpers/records/hooked-world.ts'
import { putFile } from '../../../helpers/segments.ts'

const HOUR_MS = 3_600_000

/** Accounts of so many that have ended and left nothing; some are refused by the disk. */
const worldOf = (count: number, refused: readonly string[] = []) => {
  const files = new CrashFiles()
  files.mkdir('/_producers')
  const world = { tries: 0, breaths: 0, faults: [] as string[] }
  const { open } = files
  let isWhole = true
  files.open = (path, ...how) => {
    const isRefused = !isWhole && refused.some((name) => path.endsWith(`${name}.json`))
    if (!isRefused) return open.call(files, path, ...how)
    world.tries++
    throw refusal('EIO', path)
  }
  const forgetting = new Forgetting({
    ...{ files, root: '/' },
    onFault: (producer) => void world.faults.push(producer),
    breathe: async () => void world.breaths++,
  })
  const names = Array.from({ length: count }, (_, i) => `g.0.0-${i + 1}`)
  for (const name of names) {
    const text = encodeAccount({ ...newAccount(name), state: 'ended' })
    putFile(files, `/${accountPath(name)}`, new TextEncoder().encode(text))
    forgetting.add(name)
  }
  isWhole = false
  const ask = (atMs: number, own: readonly number[] = []) => forgetting.forgettable(atMs, own)
  return { files, world, forgetting, ask }
}

test('forgettable() are those of whom nothing is left, a few at once, with a breath between', async () => {
  const { files, world, forgetting, ask } = worldOf(250)
  const living = encodeAccount(newAccount('g.0.0-2'))
  putFile(files, `/${accountPath('g.0.0-2')}`, new TextEncoder().encode(living))
  putFile(files, `/${accountPath('g.0.0-3')}`, new Uint8Array(9))
  files.unlink(`/${accountPath('g.0.0-4')}`)
  const first = await ask(0)
  expect([first.length, first[0], first.at(-1)]).toEqual([197, 'g.0.0-1', 'g.0.0-200'])
  expect([world.breaths, world.faults]).toEqual([200, ['g.0.0-3']])
  expect(await ask(0)).toHaveLength(50)
  expect(forgetting.size).toBe(0)
})

test('what the disk refuses is asked for once an hour, and holds up no other for ever', async () => {
  const { world, forgetting, ask } = worldOf(5, ['g.0.0-1', 'g.0.0-3', 'g.0.0-4'])
  expect(await ask(0)).toEqual([])
  expect(await ask(HOUR_MS - 1)).toEqual([])
  expect(world.tries).toBe(1)
  expect(await ask(HOUR_MS)).toEqual(['g.0.0-2'])
  expect(await ask(2 * HOUR_MS)).toEqual([])
  expect(await ask(3 * HOUR_MS)).toEqual(['g.0.0-5'])
  expect([world.tries, forgetting.size]).toEqual([4, 3])
})
