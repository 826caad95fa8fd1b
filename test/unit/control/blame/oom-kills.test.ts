import { expect, test } from 'vitest'
import { oomKills } from '../../../../src/control/blame/oom-kills.ts'

const reader = (files: Readonly<Record<string, string>>) => (path: string) => files[path] ?? ''
const EVENTS = (count: number) => `low 0\nmax 3\noom 2\noom_kill ${count}\noom_group_kill 9\n`

test('oomKills() reads the control group of the process, of either version', () => {
  const unified = {
    '/proc/self/cgroup': '0::/a/b\n',
    '/sys/fs/cgroup/a/b/memory.events': EVENTS(4),
  }
  expect(oomKills(reader({ ...unified, '/proc/vmstat': 'oom_kill 9\n' }))).toBe(4)
  const first = {
    '/proc/self/cgroup': '9:name=systemd:/\n4:cpu,memory:/a\n0::/\n',
    '/sys/fs/cgroup/memory/a/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 5\n',
  }
  expect(oomKills(reader(first))).toBe(5)
})

test('oomKills() reads its own name space, then the machine, and knows when it knows nothing', () => {
  const here = { '/sys/fs/cgroup/memory.events': EVENTS(6), '/proc/self/cgroup': '0::/../x\n' }
  expect(oomKills(reader(here))).toBe(6)
  expect(oomKills(reader({ '/proc/vmstat': 'pgfault 1\noom_kill 7\n' }))).toBe(7)
  expect(oomKills(reader({}))).toBeNull()
  expect(oomKills()).toSatisfy((count) => count === null || Number.isInteger(count))
})
