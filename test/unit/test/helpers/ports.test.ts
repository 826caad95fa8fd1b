import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { findFreePort } from '../../../helpers/ports.ts'

const HELPER = fileURLToPath(new URL('../../../helpers/ports.ts', import.meta.url))

/** All ports that another process gets while nearly all are taken: it tries until one is free. */
const CHILD = `
  Math.random = (() => { let n = 0; return () => (Number(process.argv[1]) - 12000 + 0.5 + n++) / 20000 })()
  const { findFreePort } = await import(${JSON.stringify(HELPER)})
  console.log(await findFreePort())
`

test('findFreePort() gives no port twice, in this process or another', async () => {
  const first = await findFreePort()
  const second = await findFreePort()
  expect(second).not.toBe(first)
  const args = ['--input-type=module', '-e', CHILD, String(first)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  expect(Number(stdout)).toBeGreaterThan(first)
})
