import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { whyUnreadable } from '../../../src/shared/file-faults.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const faultOf = (path: string): string => {
  try {
    readFileSync(path)
    return 'read'
  } catch (thrown) {
    return whyUnreadable(thrown)
  }
}

test('whyUnreadable() has words for what people get wrong, and a code for the rest', () => {
  const folder = makeTempDir('faults')
  expect(faultOf(folder)).toBe('it is a folder')
  expect(faultOf(`${folder}/absent`)).toBe('no such file')
  expect(faultOf(`${import.meta.filename}/below`)).toBe(
    'a part of its path is a file, not a folder',
  )
  expect(whyUnreadable(Object.assign(new Error('i/o error'), { code: 'EIO' }))).toBe('EIO')
  expect(whyUnreadable(new Error('a fault of ours'))).toBe('unknown')
})
