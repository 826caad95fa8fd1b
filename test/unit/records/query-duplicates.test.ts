import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  duplicatesStatement,
  filesInCompany,
  rangesQuery,
  type SequenceRange,
  sharedRanges,
} from '../../../src/records/query-duplicates.ts'
import { literalGlob, viewStatements } from '../../../src/records/query-views.ts'
import { openDuckDb, writePredictions } from '../../helpers/parquet-files.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

test('filesInCompany() are those that share their partition', () => {
  const at = (folder: string, hour: number, file: string) =>
    `${folder}/endpoint=m/h=${hour}/${file}`
  const files = [at('/r', 1, 'a'), at('/r', 1, 'b'), at('/r', 2, 'a'), at('/r', 3, 'c')]
  expect(filesInCompany([...files, at('/tmp/x', 3, 'c')])).toEqual([
    ...[files[0], files[1], files[3], at('/tmp/x', 3, 'c')],
  ])
  expect(filesInCompany([])).toEqual([])
})

const range = (file: string, from: number, to: number, producer = 'p'): SequenceRange => ({
  ...{ file, producer, from, to },
})

test('sharedRanges() finds where files meet, and where they do not', () => {
  expect(sharedRanges([range('/endpoint=h/a', 1, 10), range('/endpoint=h/b', 11, 20)])).toEqual([])
  expect(sharedRanges([range('/endpoint=h/a', 1, 10), range('/endpoint=g/a', 1, 10)])).toEqual([])
  expect(sharedRanges([range('/endpoint=h/a', 1, 10), range('/endpoint=h/b', 1, 10, 'q')])).toEqual(
    [],
  )
  expect(
    sharedRanges([
      range('/endpoint=h/a', 1, 10),
      range('/endpoint=h/b', 8, 20),
      range('/endpoint=h/c', 18, 30),
    ]),
  ).toEqual([
    range('/endpoint=h/a', 8, 10),
    range('/endpoint=h/b', 8, 10),
    range('/endpoint=h/b', 18, 20),
    range('/endpoint=h/c', 18, 20),
  ])
})

const files = fc.array(
  fc.record({
    file: fc.constantFrom(
      '/endpoint=h/a',
      '/endpoint=h/b',
      '/endpoint=h/c',
      '/endpoint=g/a',
      '/endpoint=g/b',
    ),
    producer: fc.constantFrom('p', 'q'),
    sequences: fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
  }),
  { maxLength: 8 },
)

test('sharedRanges() holds every sequence that two files of a partition have', () => {
  fc.assert(
    fc.property(files, (held) => {
      const byFile = Map.groupBy(held, ({ file, producer }) => `${file} ${producer}`)
      const each = [...byFile.values()].map((group) => ({
        ...group[0]!,
        sequences: group.flatMap(({ sequences }) => sequences),
      }))
      const shared = sharedRanges(
        each.map(({ file, producer, sequences }) =>
          range(file, Math.min(...sequences), Math.max(...sequences), producer),
        ),
      )
      const isShared = (file: string, producer: string, sequence: number) =>
        shared.some(
          (one) =>
            one.file === file &&
            one.producer === producer &&
            one.from <= sequence &&
            sequence <= one.to,
        )
      for (const one of each) {
        for (const other of each) {
          if (one === other || one.producer !== other.producer) continue
          if (one.file.at(-3) !== other.file.at(-3)) continue
          for (const sequence of one.sequences.filter((s) => other.sequences.includes(s))) {
            expect(isShared(one.file, one.producer, sequence)).toBe(true)
          }
        }
      }
    }),
  )
})

test('duplicatesStatement() lists of each row all but one', async () => {
  const folder = makeTempDir('twice')
  const paths = [
    await writePredictions(folder, "it's.parquet", [
      { sequence: 1 },
      { sequence: 2, f_x: 1 },
      { sequence: 2, row: 1 },
    ]),
    await writePredictions(folder, 'b[1].parquet', [
      { sequence: 2, f_x: 1 },
      { sequence: 2, row: 1 },
      { sequence: 2, role: 'shadow' },
      { sequence: 3 },
    ]),
    await writePredictions(folder, 'c.parquet', [
      { sequence: 2, f_x: 1 },
      { sequence: 2, producer: 'q' },
    ]),
  ]
  const connection = await openDuckDb()
  const read = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJS()
  const ranges = (await read(rangesQuery(paths))).map(({ file, producer, from, to }) =>
    range(`${file}`, Number(from), Number(to), `${producer}`),
  )
  await connection.run(duplicatesStatement(sharedRanges(ranges)))
  const patterns = { predictions: paths.map(literalGlob), feedback: [], gaps: [] }
  for (const statement of viewStatements(patterns, 'listed')) await connection.run(statement)
  const rows = await read('SELECT producer, "sequence"::INT AS s, role, "row" AS i FROM records')
  expect(rows.map(({ producer, s, role, i }) => `${producer} ${s} ${role} ${i}`).sort()).toEqual([
    'g.0.0-1 1 answer 0',
    'g.0.0-1 2 answer 0',
    'g.0.0-1 2 answer 1',
    'g.0.0-1 2 shadow 0',
    'g.0.0-1 3 answer 0',
    'q 2 answer 0',
  ])
})
