import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isAnswered } from '../../../../src/control/state/socket-probe.ts'
import { atEnd } from '../../../helpers/clean-up.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

test('isAnswered() finds nobody where there is no socket, or one without an owner', async () => {
  const folder = makeTempDir()
  writeFileSync(join(folder, 'file'), '')
  mkdirSync(join(folder, 'folder'))
  for (const name of ['nothing', 'file', 'folder', 'file/below', 'no/folder']) {
    expect([name, await isAnswered(join(folder, name))]).toEqual([name, false])
  }
})

test('isAnswered() finds an owner, also one that accepts nothing', async () => {
  const path = join(makeTempDir(), 's')
  const server = createServer()
  atEnd(() => void server.close())
  await new Promise<void>((resolve) => server.listen(path, resolve))
  server.maxConnections = 0
  expect(await isAnswered(path)).toBe(true)
  await new Promise((resolve) => server.close(resolve))
  expect(await isAnswered(path)).toBe(false)
})
