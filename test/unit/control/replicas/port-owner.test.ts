import { expect, test } from 'vitest'
import { commandName, listeningInodes } from '../../../../src/control/replicas/port-owner.ts'

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

test.each([
  [
    '/usr/bin/node\0--max-old-space-size=512\0/srv/app/server.js\0--token\0xyzzy\0',
    'node server.js',
  ],
  ['node\0--require\0/a/b.cjs\0-C\0x\0main.ts\0', 'node main.ts'],
  ['python3.12\0-m\0http.server\0' + '8000\0', 'python3.12 http.server'],
  ['/usr/sbin/postgres\0-D\0/secret\0', 'postgres'],
  ['nginx: master process /usr/sbin/nginx\0', 'nginx'],
  ['node\0', 'node'],
  ['', 'MainThread'],
])('commandName() tells of %j neither folders nor flags', (cmdline, name) => {
  expect(commandName(cmdline, 'MainThread')).toBe(name)
})

test('commandName() has a word for a process of which nothing is known', () => {
  expect(commandName('', '')).toBe('unknown')
})
