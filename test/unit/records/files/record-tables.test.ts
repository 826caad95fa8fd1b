import { expect, test } from 'vitest'
import { RecordTables } from '../../../../src/records/files/record-tables.ts'
import { frameViews } from '../../../../src/records/shipping/frame-views.ts'
import { endpointLayout } from '../../../helpers/record-layouts.ts'
import { recordEntry } from '../../../helpers/ring-entries.ts'

const LAYOUT = endpointLayout()

const add = (tables: RecordTables, layout: typeof LAYOUT, sequences: readonly number[]) => {
  const entries = sequences.map((sequence) =>
    recordEntry({ sequence, layout: layout.id, payloadBytes: 0, role: sequence % 2 }),
  )
  const froms = Int32Array.from(entries, (_, i) =>
    entries.slice(0, i).reduce((sum, { length }) => sum + length, 0),
  )
  const frame = frameViews(new Uint8Array(Buffer.concat(entries)))
  const layouts = new Map([[layout.id, layout]])
  return tables.add({ producer: 'g.0.0-1', layouts, frame, froms, count: entries.length })
}

test('add() takes back what it cannot write, says so, and goes on', () => {
  const faults: string[] = []
  const tables = new RecordTables((producer, thrown) => faults.push(`${producer} ${thrown}`))
  // No folder can bear half of a character.
  const unreadable = add(tables, { ...LAYOUT, endpoint: 'a\ud800' }, [2, 3])
  expect(unreadable).toEqual([
    { sequence: 2, isShadow: false },
    { sequence: 3, isShadow: true },
  ])
  expect(faults[0]).toMatch(/^g.0.0-1 URIError/)
  expect(tables.held).toEqual({ rows: 0, bytes: 0 })
  expect(add(tables, LAYOUT, [4])).toEqual([])
  expect(tables.filled.map(({ table }) => table.rows)).toEqual([1])
})

test('held counts what tables take, however few rows they have', () => {
  const tables = new RecordTables()
  for (let i = 0; i < 100; i++) add(tables, { ...LAYOUT, endpoint: `e${i}` }, [2])
  const each = tables.held.bytes / 100
  expect(each).toBeGreaterThan(20_000)
  add(tables, { ...LAYOUT, endpoint: 'e1' }, [4])
  expect(tables.held.bytes - 100 * each).toBeLessThan(2000)
  tables.clear()
  expect(tables.held).toEqual({ rows: 0, bytes: 0 })
  add(tables, { ...LAYOUT, endpoint: 'e1' }, [4])
  expect(tables.held.bytes).toBe(each)
})
