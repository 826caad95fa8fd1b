import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
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
