import { expect, test } from 'vitest'
import { listeningInodes } from '../../../src/control/port-owner.ts'

// Layout as in proc(5); ports 8000 (1F40) and 53 (0035).
const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0000 100 0 0 10 0
   1: 0100007F:1F40 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0000 100 0 0 10 0
   2: 00000000:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0000 100 0 0 10 0
  10: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 444 1 0000 100 0 0 10 0
`

test('listeningInodes() finds every listener of a port and no connection', () => {
  expect(listeningInodes(TABLE, 8000)).toEqual(['111', '444'])
  expect(listeningInodes(TABLE, 53)).toEqual(['333'])
  expect(listeningInodes(TABLE, 8001)).toEqual([])
})

test.each(['', '\n', 'x', 'a\n1: zz\n'])('listeningInodes() finds nothing in %j', (table) => {
  expect(listeningInodes(table, 8000)).toEqual([])
})
