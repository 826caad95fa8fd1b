import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { digestOf } from '../../../src/records/redact/hmac.ts'
import { readRecordKey, recordKeyId } from '../../../src/shared/record-key.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const KEY = 'k'.repeat(32)

test('readRecordKey() takes the white space off, so that an editor changes no key', () => {
  const file = join(makeTempDir(), 'key')
  writeFileSync(file, `\n${KEY} \n`)
  chmodSync(file, 0o600)
  expect(readRecordKey(file)).toEqual({ key: KEY, id: recordKeyId(KEY) })
})

test('recordKeyId() tells keys apart, and is the same for the same one', () => {
  // printf kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk | sha256sum
  expect(recordKeyId(KEY)).toBe('5e318f8c')
  expect(recordKeyId(`${KEY}k`)).not.toBe(recordKeyId(KEY))
})

test('docs/guides/records.md: what it shows makes the HMAC of a value again', () => {
  const folder = makeTempDir()
  const file = join(folder, 'hmac.key')
  writeFileSync(file, `${KEY}é\n`)
  chmodSync(file, 0o600)
  const found = readRecordKey(file)
  const key = typeof found === 'string' ? found : found.key
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/records.md'), 'utf8')
  const [, program = '', value = ''] = /(node -p '.*update\("(\w+)"\).*?')/s.exec(guide) ?? []
  const said = execFileSync('sh', ['-c', program], { cwd: folder, encoding: 'utf8' })
  expect(said.trim()).toBe(digestOf(key)(value))
})
