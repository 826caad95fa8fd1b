import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { busiestShares, profileTable } from '../../../../bench/grpc/profile-table.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const ALL = { fromUs: 0, toUs: 1_000 }

/** A thread that was in Node's HTTP/2 and then idle. */
const writeProfile = (folder: string, name: string, busyUs: number): void => {
  const frame = (functionName: string, url: string) => ({ functionName, url })
  const nodes = [
    { id: 1, callFrame: frame('(root)', ''), children: [2, 3] },
    { id: 2, callFrame: frame('respond', 'node:internal/http2/core') },
    { id: 3, callFrame: frame('(idle)', '') },
  ]
  const samples = [2, 3, 3]
  const profile = { nodes, startTime: 1, samples, timeDeltas: [0, busyUs, 100 - busyUs] }
  writeFileSync(join(folder, name), JSON.stringify(profile))
}

test('busiestShares() takes the thread that worked most, and leaves idle time out', () => {
  const folder = makeTempDir()
  writeProfile(folder, 'a.cpuprofile', 10)
  writeProfile(folder, 'b.cpuprofile', 40)
  expect([...busiestShares(folder, ALL)]).toEqual([['node:http2', 1]])
})

test('busiestShares() says where nothing worked within the span', () => {
  const folder = makeTempDir()
  expect(() => busiestShares(folder, ALL)).toThrow('No work is seen')
  writeProfile(folder, 'a.cpuprofile', 10)
  expect(() => busiestShares(folder, { fromUs: 500, toUs: 600 })).toThrow('No work is seen')
})

test('profileTable() gives microseconds by module, those that take most first', () => {
  const table = profileTable([
    {
      name: 'ours',
      rows: 1,
      cpuUs: 20,
      shares: new Map([
        ['a', 0.25],
        ['b', 0.75],
      ]),
    },
    { name: 'echo', rows: 1, cpuUs: 10, shares: new Map([['a', 1]]) },
  ])
  expect(table.map((line) => line.split(/\s{2,}/))).toEqual([
    ['us of CPU a request, by module', 'ours', 'echo'],
    ['b', '15.00', '0.00'],
    ['a', '5.00', '10.00'],
    ['all', '20.00', '10.00'],
  ])
})
