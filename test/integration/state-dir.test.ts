import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openStateDir } from '../../src/control/state/state-dir.ts'
import { stateFolder } from '../helpers/state-folder.ts'

const TAKER = fileURLToPath(new URL('../helpers/lock-taker.ts', import.meta.url))

interface Taker {
  readonly child: ChildProcessByStdio<Writable, Readable, null>
  nextLine(): Promise<string>
}

const startTaker = async (path: string): Promise<Taker> => {
  const child = spawn(process.execPath, [TAKER, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async () => ((await lines.next()).value as string | undefined) ?? ''
  expect(await nextLine()).toBe('waiting')
  return { child, nextLine }
}

const kill = async ({ child }: Taker): Promise<void> => {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const race = async (path: string, count: number): Promise<Taker> => {
  const takers = await Promise.all(Array.from({ length: count }, () => startTaker(path)))
  for (const { child } of takers) child.stdin.write('go\n')
  const lines = await Promise.all(takers.map(({ nextLine }) => nextLine()))
  const winner = lines.findIndex((line) => line.startsWith('taken'))
  const pid = takers[winner]?.child.pid
  const losers = lines.filter((_, i) => i !== winner)
  for (const line of losers) expect(line).toContain(`STATE_DIR_LOCKED Process ${pid} uses this`)
  for (const taker of takers.filter((_, i) => i !== winner)) taker.child.stdin.end()
  return takers[winner]!
}

test('openStateDir() has exactly one winner when processes race for a new or a dead lock', async () => {
  const path = stateFolder()
  for (let round = 0; round < 4; round++) {
    const winner = await race(path, 6)
    await kill(winner)
  }
})

test('openStateDir() takes over from a killed process and keeps its name', async () => {
  const path = stateFolder()
  const taker = await startTaker(path)
  taker.child.stdin.write('go\n')
  const [, gateway] = (await taker.nextLine()).split(' ')
  const locked = `Process ${taker.child.pid} uses this state folder`
  await expect(openStateDir(path)).rejects.toThrow(locked)
  await kill(taker)
  const stateDir = await openStateDir(path)
  expect(stateDir.gateway).toBe(gateway)
  stateDir.close()
})
