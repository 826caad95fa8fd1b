import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sluice } from '../../helpers/cli.ts'

test('key new prints a key and its hash, another one every time', async () => {
  const [text, json] = await Promise.all([sluice(['key', 'new']), sluice(['key', 'new', '--json'])])
  const [, key = '', sha256] = /^key {5}(\S+)\nsha256 {2}(\S+)\n$/.exec(text.stdout) ?? []
  const made = JSON.parse(json.stdout) as { key: string; sha256: string }
  for (const each of [{ key, sha256 }, made]) {
    expect(each.key).toMatch(/^sluice_[A-Za-z0-9_-]{43}$/)
    expect(each.sha256).toBe(createHash('sha256').update(each.key).digest('hex'))
  }
  expect(made.key).not.toBe(key)
})
