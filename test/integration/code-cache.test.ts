import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { sluice } from '../helpers/cli.ts'
import { EXAMPLE_REPOSITORY } from '../helpers/example.ts'
import { startGateway } from '../helpers/gateway.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)

test('a replica leaves its code for the next, however it ends', async () => {
  const { stateDir } = await startGateway({ repository: EXAMPLE_REPOSITORY })
  expect(files(join(stateDir, 'compiled')).length).toBeGreaterThan(50)
})

test('a folder that cannot be one is no obstacle', async () => {
  const folder = join(makeTempDir('cache'), 'file')
  writeFileSync(folder, '')
  const cache = fileURLToPath(new URL('../../src/shared/code-cache.ts', import.meta.url))
  const program = `const { openCodeCache, writeCodeCache } = await import(${JSON.stringify(cache)})
    openCodeCache(${JSON.stringify(folder)})
    writeCodeCache()
    console.log('well')`
  const command = [process.execPath, '--input-type=module', '-e', program]
  expect(await sluice([], { command })).toMatchObject({ code: 0, stdout: 'well\n', stderr: '' })
})
