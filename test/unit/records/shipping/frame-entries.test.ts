import { expect, test } from 'vitest'
import { visitEntries } from '../../../../src/records/shipping/frame-entries.ts'
import { frameViews } from '../../../../src/records/shipping/frame-views.ts'
import { gapEntry, recordEntry } from '../../../helpers/ring-entries.ts'

const visit = (entries: readonly Uint8Array[], isWanted = (_: number) => true) => {
  const seen: string[] = []
  const { froms, count } = visitEntries(frameViews(new Uint8Array(Buffer.concat(entries))), {
    record: (sequence, isShadow) => {
      seen.push(`${sequence}${isShadow ? ' shadow' : ''}`)
      return isWanted(sequence)
    },
    gap: ({ from, to, reason }) => seen.push(`${from}-${to} ${reason}`),
  })
  return { seen, froms: [...froms.subarray(0, count)] }
}

test('visitEntries() shows records and gaps in order, and where the wanted records begin', () => {
  const entries = [
    recordEntry({ sequence: 1, layout: 2, payloadBytes: 0 }),
    gapEntry([{ from: 2, to: 4, reason: 3 }]),
    recordEntry({ sequence: 5, layout: 2, payloadBytes: 0, role: 1 }),
    recordEntry({ sequence: 6, layout: 2, payloadBytes: 80 }),
  ]
  const { seen, froms } = visit(entries, (sequence) => sequence !== 5)
  expect(seen).toEqual(['1', '2-4 3', '5 shadow', '6'])
  const lengths = entries.map(({ length }) => length)
  expect(froms).toEqual([0, lengths[0]! + lengths[1]! + lengths[2]!])
})

test('visitEntries() takes thousands of entries of one frame', () => {
  const entries = Array.from({ length: 3000 }, (_, i) =>
    recordEntry({ sequence: i + 1, layout: 2, payloadBytes: 0 }),
  )
  expect(visit(entries).froms.length).toBe(3000)
})

test('visitEntries() stops where no entry can begin', () => {
  const entry = recordEntry({ sequence: 1, layout: 2, payloadBytes: 0 })
  for (const length of [0, 4, 9, 1 << 20, -8]) {
    const broken = new Uint8Array(144)
    new Int32Array(broken.buffer)[0] = length
    expect(visit([entry, broken]).seen).toEqual(['1'])
  }
})
