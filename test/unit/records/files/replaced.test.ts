import { expect, test } from 'vitest'
import { REPLACES_KEY } from '../../../../src/records/files/contents.ts'
import type { OwnFile } from '../../../../src/records/files/own-files.ts'
import { mayReplace, Replaced } from '../../../../src/records/files/replaced.ts'
import { RestingFolders } from '../../../../src/records/files/resting-folders.ts'
import { parquetFile } from '../../../../src/records/parquet-file.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { refusal } from '../../../helpers/records/hooked-world.ts'
import { fillTable } from '../../../helpers/records/tables.ts'
import { putFile } from '../../../helpers/segments.ts'

const LARGE = 5 * 1024 * 1024
const file = (number: number, bytes = 1000): OwnFile => ({
  ...{ path: `a/g-${number}.parquet`, folder: 'a', hour: 0, number, bytes, changedMs: 0 },
})
const numbers = (files: readonly { readonly number: number }[]) => files.map(({ number }) => number)

test('mayReplace() are those behind the first that is small', () => {
  expect(numbers(mayReplace([file(3), file(1, LARGE), file(2), file(4, LARGE)]))).toEqual([3, 4])
  expect(mayReplace([file(1, LARGE), file(2, LARGE), file(3)])).toEqual([])
})

const replacedOf = (named: Readonly<Record<number, readonly number[] | null>>) => {
  const files = new CrashFiles()
  files.mkdir('/a')
  const own = Object.entries(named).map(([number, names]) => {
    const replaced = (names ?? []).map((each) => `g-${each}.parquet`)
    const table = fillTable({ specs: [{ name: 'a', type: 'int32' }], rows: [[1]] })
    const bytes = parquetFile(table, { [REPLACES_KEY]: JSON.stringify(replaced) })
    putFile(files, `/a/g-${number}.parquet`, names === null ? new Uint8Array(99) : bytes)
    return file(Number(number))
  })
  const faults: string[] = []
  const onFault = (path: string) => void faults.push(path)
  return { own, files, faults, replaced: new Replaced({ files, root: '/', onFault }) }
}

test('look() finds what others name, of those that are there', async () => {
  const { own, replaced } = replacedOf({ 2: [], 5: [1, 2, 3], 6: [] })
  expect(replaced.isSettled('a')).toBe(false)
  expect(await replaced.look('a', own)).toEqual({ count: 2, isAll: true })
  expect([...replaced.paths]).toEqual(['a/g-2.parquet'])
  expect(replaced.isSettled('a')).toBe(false)
  replaced.forget('a/g-2.parquet')
  expect(replaced.isSettled('a')).toBe(true)
  expect(replaced.isSettled('b')).toBe(false)
  // Once.
  expect(await replaced.look('a', own)).toEqual({ count: 0, isAll: true })
})

test('lookIn() says where something may name others that the disk does not give now', async () => {
  const { own, files, replaced, faults } = replacedOf({ 1: [], 2: null, 3: [1] })
  const refused = new RestingFolders()
  const { open } = files
  files.open = (path, ...how) => {
    if (path.endsWith('-3.parquet')) throw refusal('EIO', path)
    return open.call(files, path, ...how)
  }
  const look = (atMs: number) => replaced.lookIn(new Map([['a', own]]), refused, atMs)
  expect([...(await look(0))]).toEqual(['a'])
  expect([replaced.has('a/g-1.parquet'), replaced.isSettled('a')]).toEqual([false, false])
  files.open = open
  expect([...(await look(1000))]).toEqual([])
  refused.release(3_600_000)
  expect([...(await look(3_600_000))]).toEqual([])
  expect(replaced.has('a/g-1.parquet')).toBe(true)
  // What is damaged names nobody.
  expect(faults).toEqual(['a/g-2.parquet', 'a/g-3.parquet', 'a/g-2.parquet'])
  expect(await replaced.deleteAll(refused, 3_600_000)).toEqual(['a/g-1.parquet'])
})

test('look() asks no more where the disk does not give one of them', async () => {
  const { own, files, faults, replaced } = replacedOf({ 1: [], 2: [], 3: [], 4: [], 5: [] })
  files.open = (path) => {
    throw refusal('EIO', path)
  }
  expect(await replaced.look('a', own)).toMatchObject({ isAll: false })
  expect(faults).toEqual(['a/g-2.parquet'])
})
