import { expect, test } from 'vitest'
import { newAccount } from '../../../../src/records/shipping/account.ts'
import { SeenSet } from '../../../../src/records/shipping/seen-set.ts'
import {
  NO_TOTALS,
  readShipState,
  type ShipState,
  writeShipState,
} from '../../../../src/records/shipping/ship-state.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { putFile } from '../../../helpers/segments.ts'

const STATE: ShipState = {
  sink: 'files',
  segments: { 'r0-i1-g0-1.seg': { offset: 400, done: null } },
  producers: {
    'g.0.0-1': { account: newAccount('g.0.0-1'), seen: new SeenSet().snapshot(), shadows: null },
  },
  streams: { 'r0-i1': { process: null, producers: ['g.0.0-1'], isDamaged: false } },
  totals: NO_TOTALS,
  sinkState: { nextNumber: 3 },
  intent: { renames: [['a', 'b']], deletes: [] },
}

test('readShipState() gives back what writeShipState() was given', () => {
  const files = new CrashFiles()
  expect(readShipState(files, '/state.json')).toBeNull()
  writeShipState(files, '/state.json', STATE)
  expect(readShipState(files, '/state.json')).toEqual(STATE)
  const finished = [
    { producer: 'g.0.0-1', state: 'killed', taken: 3, records: 1, gaps: { killed: 2 } },
  ]
  const later: ShipState = { ...STATE, era: '17-4711', finished } as ShipState
  writeShipState(files, '/state.json', later)
  expect(readShipState(files, '/state.json')).toEqual(later)
})

test('readShipState() refuses what is no state', () => {
  const files = new CrashFiles()
  const wrong: object[] = [
    { segments: { a: { offset: 'x', done: null } } },
    { producers: { a: {} } },
    { streams: { a: { process: 1, producers: [] } } },
    { intent: { renames: 1 } },
    { totals: null },
    { finished: [{}] },
    { era: 1 },
  ]
  for (const each of wrong) {
    writeShipState(files, '/state.json', { ...STATE, ...each })
    expect(() => readShipState(files, '/state.json')).toThrow(/lacks something/)
  }
  putFile(files, '/state.json', Uint8Array.of(0))
  expect(() => readShipState(files, '/state.json')).toThrow(/not JSON/)
})
