/** `sluice records tail`, over spools and Parquet files. */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { PredictionRecord } from '../../src/records/record.ts'
import { decodeRecord } from '../../src/records/record-codec.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { type CliOptions, MAIN, plainEnv, sluice } from '../helpers/cli.ts'
import { writeFeedback, writePredictions } from '../helpers/parquet-files.ts'
import { SEAL } from '../helpers/segments.ts'
import { recordFrames, type SpooledRecord, writeSegment } from '../helpers/spooled-records.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const START = Date.UTC(2026, 0, 2, 3)

const at = (sequence: number, more: Partial<SpooledRecord> = {}): SpooledRecord => ({
  ...{ sequence, timeMs: START + sequence * 1000 },
  ...more,
})

/** A gateway's folders, as `npx sluice` finds them. */
const folders = () => {
  const cwd = makeTempDir('tail')
  return { cwd, spool: join(cwd, '.sluice/spool'), path: join(cwd, 'data/records') }
}

const tail = (args: readonly string[], options: CliOptions) =>
  sluice(['records', 'tail', ...args], options)

const sequences = (stdout: string): number[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).sequence)

test('tail shows the latest records of the spool, one a line', async () => {
  const { cwd, spool } = folders()
  writeSegment(spool, [...recordFrames([at(2), at(1)]), SEAL])
  writeSegment(spool, recordFrames([at(3, { role: 'shadow' })]), { number: 2 })
  const { code, stdout, stderr } = await tail([], { cwd })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.split('\n')).toEqual([
    '2026-01-02T03:00:01.000Z  flights  v3  answer  0.75 -> yes  4.3 ms  g7q2.1.0-3-1',
    '2026-01-02T03:00:02.000Z  flights  v3  answer  0.75 -> yes  4.3 ms  g7q2.1.0-3-2',
    '2026-01-02T03:00:03.000Z  flights  v3  shadow  0.75 -> yes  4.3 ms  g7q2.1.0-3-3',
    '',
  ])
  const last = await tail(['-n', '1', '--json'], { cwd })
  expect(JSON.parse(last.stdout)).toMatchObject({
    ...{ prediction_id: 'g7q2.1.0-3-3', role: 'shadow', time: '2026-01-02T03:00:03.000Z' },
    ...{ features: { age: 41, color: 'red' }, prediction: 'yes' },
  })
})

test('tail filters, and says what it is asked for wrongly', async () => {
  const { cwd, spool } = folders()
  const records = [at(1), at(2, { role: 'refused', code: 20 }), at(3, { role: 'failed', code: 22 })]
  writeSegment(spool, recordFrames(records))
  const ask = async (...flags: string[]) =>
    sequences((await tail(['--json', ...flags], { cwd })).stdout)
  const results = await Promise.all([
    ask('--role', 'refused', '--role', 'failed'),
    ask('--where-code', 'QUEUE_FULL'),
    ask('--endpoint', 'other'),
    ask('--variant', 'v3', '-n', '2'),
    ask('--since', new Date(START + 2000).toISOString()),
  ])
  expect(results).toEqual([[2, 3], [2], [], [2, 3], [2, 3]])
  for (const [flags, wanted] of [
    [['--role', 'answers'], 'A role is wanted: answer, shadow, refused, failed, feedback'],
    [['--since', 'soon'], 'A time is wanted'],
    [['-n', '-1'], 'A number of records is wanted'],
  ] as const) {
    const result = await tail(flags, { cwd })
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain(wanted)
  }
})

test('tail says that there is nothing, and takes no misspelt folder for an empty one', async () => {
  const { cwd, path } = folders()
  const empty = await tail(['--json'], { cwd })
  expect(empty).toMatchObject({
    ...{ code: 0, stdout: '' },
    stderr: expect.stringMatching(
      new RegExp(`^⚠ There is no spool in .*\n {2}no such records in ${path}, nor in the spool\n$`),
    ),
  })
  const gone = await tail(['gone'], { cwd })
  expect(gone).toMatchObject({ code: 3, stdout: '' })
  expect(gone.stderr).toContain(`There is no folder ${join(cwd, 'gone')}`)
})

test('tail reads Parquet files for what is older, and nothing twice', async () => {
  const { cwd, spool, path } = folders()
  const producer = 'g7q2.1.0-3'
  const row = (sequence: number) => ({
    ...{ producer, sequence, time: `2026-01-02 03:00:0${sequence}` },
  })
  await writePredictions(path, 'g7q2-1.parquet', [row(1), row(2)])
  await writePredictions(path, 'g7q2-2.parquet', [row(3)])
  await writeFeedback(path, 'g7q2-3.parquet', [{ ...row(4), label: 'late' }])
  writeSegment(spool, recordFrames([at(3), at(5)]))
  const all = ['--json', '--since', '2026-01-02']
  const results = await Promise.all([
    tail(all, { cwd }),
    tail(['--json', '-n', '4'], { cwd }),
    tail([...all, path], { cwd: makeTempDir('other') }),
  ])
  expect(results.map(({ stdout }) => sequences(stdout))).toEqual([
    [1, 2, 3, 4, 5],
    [2, 3, 4, 5],
    [1, 2, 3, 4],
  ])
  expect(results.map(({ stderr }) => stderr)).toEqual(['', '', ''])
})

test('tail --proto writes messages behind their lengths', async () => {
  const { cwd, spool } = folders()
  writeSegment(spool, recordFrames([at(1), at(2)]))
  const [program, main] = MAIN
  const args = [main, 'records', 'tail', '--proto']
  const bytes = execFileSync(program, args, { cwd, env: plainEnv() })
  const records: PredictionRecord[] = []
  for (let from = 0; from < bytes.length; ) {
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[from++]!
      length |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    records.push(decodeRecord(bytes.subarray(from, from + length)))
    from += length
  }
  expect(records.map(({ sequence }) => sequence)).toEqual([1, 2])
  expect(records[0]).toMatchObject({ role: 'answer', instances: [{ prediction: 'yes' }] })
})

/** A tail that goes on, and all that it has said so far. */
const follow = (args: readonly string[], cwd: string) => {
  const [program, main] = MAIN
  const child = spawn(program, [main, 'records', 'tail', '-f', ...args], {
    ...{ cwd, env: plainEnv() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  atEnd(() => void child.kill('SIGKILL'))
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk) => {
      said[name] += chunk
    })
  }
  return { child, said }
}

test('tail -f goes on with what is written, until Ctrl-C', async () => {
  const { cwd, spool } = folders()
  const { child, said } = follow(['--json', '-n', '1'], cwd)
  const shows = (...wanted: number[]) =>
    until(() => String(sequences(said.stdout)) === String(wanted), { what: `${wanted}` })
  writeSegment(spool, recordFrames([at(1)]))
  await shows(1)
  const whole = [...recordFrames([at(1)], [at(2)]), SEAL]
  writeSegment(spool, whole)
  await shows(1, 2)
  writeSegment(spool, recordFrames([at(3)]), { incarnation: 4 })
  await shows(1, 2, 3)
  child.kill('SIGINT')
  expect(await once(child, 'close')).toEqual([130, null])
  expect(said.stderr).toBe('')
})

test('tail -f says that a state folder is not there, and waits for it', async () => {
  const cwd = makeTempDir('tail')
  const { child, said } = follow(['--json', '--state-dir', 'state'], cwd)
  await until(() => said.stderr !== '', { what: 'the warning' })
  expect(said.stderr).toMatch(/^⚠ There is no spool in .*state: what is not in files yet /)
  writeSegment(join(cwd, 'state/spool'), recordFrames([at(1)]))
  await until(() => String(sequences(said.stdout)) === '1', { what: 'the record' })
  child.kill('SIGINT')
  expect(await once(child, 'close')).toEqual([130, null])
})

test('tail -f of a path alone follows its files, and ends when nobody reads', async () => {
  const path = join(makeTempDir('copy'), 'records')
  const { child, said } = follow([path, '--json'], makeTempDir('other'))
  await writePredictions(path, 'g-1.parquet', [{ sequence: 1 }])
  await until(() => String(sequences(said.stdout)) === '1', { what: 'the first record' })
  child.stdout.destroy()
  await writePredictions(path, 'g-2.parquet', [{ sequence: 2 }])
  expect(await once(child, 'close')).toEqual([0, null])
  expect(said.stderr).toBe('')
})

test('tail says what it cannot read', async () => {
  const { cwd, spool } = folders()
  writeSegment(spool, recordFrames([at(1)]), {}, 40)
  const [layout, records] = recordFrames([at(2)])
  writeSegment(spool, [records!, layout!], { number: 2 })
  const { code, stderr } = await tail([], { cwd })
  expect(code).toBe(0)
  expect(stderr).toMatch(/^⚠ 1 part of the spool could not be read; sluice records verify says/)
  const noFolder = await tail([MAIN[1]], { cwd })
  expect(noFolder).toMatchObject({ code: 3, stdout: '' })
  expect(noFolder.stderr).toMatch(/^✖ FILE_INVALID: The records at .* cannot be read/)
})
