import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FileSink } from '../../../../src/records/file-sink.ts'
import { readTable, withRecordsFile } from '../../../../src/records/file-source.ts'
import { Lane } from '../../../../src/records/shipping/lane.ts'
import { readShipState } from '../../../../src/records/shipping/ship-state.ts'
import { listStreams } from '../../../../src/records/shipping/spool-folder.ts'
import { pendingFiles, snapshotSpool } from '../../../../src/records/shipping/spool-snapshot.ts'
import { systemFiles } from '../../../../src/records/spool/file-calls.ts'
import { SEAL } from '../../../helpers/segments.ts'
import { recordFrames, type SpooledRecord, writeSegment } from '../../../helpers/spooled-records.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const at = (sequence: number): SpooledRecord => ({
  ...{ sequence, timeMs: Date.UTC(2026, 0, 2, 3) + sequence },
})

const folders = () => {
  const folder = makeTempDir('snapshot')
  const into = join(folder, 'into')
  mkdirSync(into)
  const spool = join(folder, 'spool')
  return { folder, into, spool, root: join(folder, 'records'), statePath: join(folder, 'state') }
}

type Folders = ReturnType<typeof folders>

const snapshot = ({ spool, statePath, into }: Folders, more: { bytesMax?: number } = {}) =>
  snapshotSpool({
    ...{ files: systemFiles, spool, statePath, into, bytesMax: 1e9, isOver: () => false },
    ...{ monotonic: () => performance.now(), now: () => Date.UTC(2026, 0, 2, 4) },
    ...more,
  })

/** Ships what is in the spool, as the shipper does. */
const ship = async ({ spool, statePath, root }: Folders) => {
  const lane = new Lane({
    ...{ files: systemFiles, folder: spool, statePath },
    sink: new FileSink({
      ...{ files: systemFiles, root, gateway: 'g7q2' },
      ...{ retention: { bytesMax: 0, daysMax: 0 }, onFault: () => {} },
    }),
    lives: { pid: 1, failedPid: null },
    limits: { rowsMax: 1000, bytesMax: 1e9, ageMsMax: 1e9 },
    ...{ monotonic: () => performance.now(), now: () => Date.UTC(2026, 0, 2, 4) },
    ...{ isAlive: () => true, findAccount: () => null, onFault: () => {} },
  })
  while (
    await lane.step({ marks: ['home-1'], streams: listStreams(systemFiles.readdir(spool)) }, true)
  );
  lane.close()
}

/** Sequences in the files of a folder, in order. */
const sequencesIn = async (root: string): Promise<number[]> => {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  const files = names.filter((name) => /^endpoint=.*\.parquet$/.test(name))
  const lists = await Promise.all(
    files.map(async (name) => {
      const table = await withRecordsFile(systemFiles, join(root, name), readTable)
      const column = table.columns.find((one) => one.name === 'sequence')!
      return Array.from({ length: table.rows }, (_, row) => Number(column.valueAt(row)))
    }),
  )
  return lists.flat().sort((a, b) => a - b)
}

/** Everything that lies in a folder: nothing of it may change. */
const contents = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => `${path} ${readFileSync(path, 'base64')}`)

test('snapshotSpool() of nothing is nothing', async () => {
  const all = folders()
  expect(await snapshot(all)).toEqual({ rows: 0, bytesLeftOut: 0, intent: null, nextNumber: 1 })
  expect(await sequencesIn(join(all.into, 'records'))).toEqual([])
})

test('snapshotSpool() has what is not shipped, and touches nothing of the shipper', async () => {
  const all = folders()
  writeSegment(all.spool, [...recordFrames([at(1), at(2)]), SEAL])
  await ship(all)
  writeSegment(all.spool, recordFrames([at(3)]), { number: 2 })
  writeSegment(all.spool, recordFrames([at(1)]), { replica: 2 })
  const before = [...contents(all.spool), ...contents(all.root)]
  const state = readShipState(systemFiles, all.statePath)
  const found = await snapshot(all)
  expect(found).toMatchObject({ rows: 2, bytesLeftOut: 0, nextNumber: 2 })
  expect(await sequencesIn(join(all.into, 'records'))).toEqual([1, 3])
  expect(await sequencesIn(all.root)).toEqual([1, 2])
  expect([...contents(all.spool), ...contents(all.root)]).toEqual(before)
  expect(readShipState(systemFiles, all.statePath)).toEqual(state)
})

test('snapshotSpool() takes the newest segments where there is too much', async () => {
  const all = folders()
  const bytes = writeSegment(all.spool, [...recordFrames([at(1)]), SEAL])
  writeSegment(all.spool, [...recordFrames([at(2)]), SEAL], { number: 2 })
  writeSegment(all.spool, recordFrames([at(3)]), { number: 3 })
  const found = await snapshot(all, { bytesMax: 2.5 * bytes })
  expect(found).toMatchObject({ rows: 2, bytesLeftOut: bytes })
  expect(await sequencesIn(join(all.into, 'records'))).toHaveLength(2)
})

test('snapshotSpool() ends when it is told to', async () => {
  const all = folders()
  writeSegment(all.spool, recordFrames([at(1)]))
  const found = await snapshot(all, { isOver: () => true } as object)
  expect(found.rows).toBe(0)
})

test('pendingFiles() are those of an intent that nobody has published yet', async () => {
  const all = folders()
  writeSegment(all.spool, recordFrames([at(1)]))
  await ship(all)
  const { intent } = await snapshot(all)
  expect(pendingFiles(systemFiles, all.root, null)).toEqual([])
  expect(pendingFiles(systemFiles, all.root, intent)).toEqual([])
  const [, to] = intent!.renames[0]!
  systemFiles.rename(join(all.root, to), join(all.root, `${to}.unfinished`))
  expect(pendingFiles(systemFiles, all.root, intent)).toEqual([`${to}.unfinished`])
})
