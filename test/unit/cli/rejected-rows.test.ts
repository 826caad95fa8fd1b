import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { FeedbackRow } from '../../../src/cli/feedback-rows.ts'
import { RejectedRows } from '../../../src/cli/rejected-rows.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const HEADER = ['prediction_id', 'label']

const rejected = (line: number, ...cells: string[]) => {
  const row: FeedbackRow = { line, cells, item: null, fault: '' }
  return { row, reason: 'no "label"' }
}

test('add() makes a file with the first row, for nobody else to read', () => {
  const path = join(makeTempDir('rejected'), 'r.csv')
  writeFileSync(path, 'of another import\n')
  const rows = new RejectedRows(path, HEADER, false)
  rows.add([])
  expect(readFileSync(path, 'utf8')).toBe('of another import\n')
  rows.add([rejected(3, 'a', '')])
  rows.add([rejected(7, 'b,c', ''), rejected(8, 'd')])
  expect(rows.count).toBe(3)
  expect(readFileSync(path, 'utf8')).toBe(
    'line,reason,prediction_id,label\n' +
      '3,"no ""label""",a,""\n' +
      '7,"no ""label""","b,c",""\n' +
      '8,"no ""label""",d\n',
  )
  const fresh = join(makeTempDir('rejected'), 'r.csv')
  new RejectedRows(fresh, HEADER, false).add([rejected(1, 'a')])
  expect(statSync(fresh).mode & 0o777).toBe(0o600)
})

test('add() goes on with the file of an import that goes on', () => {
  const path = join(makeTempDir('rejected'), 'r.csv')
  new RejectedRows(path, HEADER, true).add([rejected(3, 'a', 'x')])
  new RejectedRows(path, HEADER, true).add([rejected(9, 'b', 'y')])
  expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(4)
})

test('add() says that the file cannot be written', () => {
  const rows = new RejectedRows(join(makeTempDir('rejected'), 'gone/r.csv'), HEADER, false)
  expect(() => rows.add([rejected(3, 'a')])).toThrow(/^Cannot write .*r\.csv: no such file/)
})
