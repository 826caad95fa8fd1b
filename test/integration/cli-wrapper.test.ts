/** `bin/sluice` under a Node that is too old to run Sluice: it hands over to the Node of npm. */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import { plainEnv, sluice, startSocketServer, WRAPPER } from '../helpers/cli.ts'
import { commandLineOf, processesNaming, reapAtEnd, signal } from '../helpers/reaper.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { makeTree } from '../helpers/tree.ts'
import { until } from '../helpers/until.ts'

const findProgram = (name: string, isWanted: (file: string) => boolean): string | null =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file) && isWanted(file)) ?? null

const isOld = (file: string): boolean => {
  const major = Number(/^v(\d+)/.exec(execFileSync(file, ['--version'], { encoding: 'utf8' }))?.[1])
  return major >= 20 && major < 24
}

const OLD_NODE = findProgram('node', isOld)
const SCRIPT = findProgram('script', () => true)

// Skipped: this machine has no Node 20 to 23 beside that of npm
const testOld = test.skipIf(OLD_NODE === null)
// Skipped: nor can a terminal be made without `script` of util-linux
const testTerminal = test.skipIf(OLD_NODE === null || SCRIPT === null)

const COMMAND = [OLD_NODE ?? '', WRAPPER]

const MANIFEST = fileURLToPath(new URL('../../package.json', import.meta.url))
const START = JSON.parse(readFileSync(MANIFEST, 'utf8')).scripts.start

/** The wrapper beside a `main.ts` that says how often it was interrupted, until it must end. */
const countingInstallation = (): string => {
  const root = makeTree({
    'package.json': { type: 'module', scripts: { start: START } },
    'src/main.ts': `
      let interrupts = 0
      setInterval(() => {}, 1000)
      process.on('SIGINT', () => console.log(\`interrupted \${++interrupts}\`))
      process.on('SIGHUP', () => console.log('reload'))
      process.on('SIGTERM', () => { console.log(\`ends after \${interrupts}\`); process.exit(9) })
      console.log('started', process.pid)
    `,
  })
  mkdirSync(join(root, 'bin'))
  copyFileSync(WRAPPER, join(root, 'bin/sluice'))
  for (const folder of ['node_modules/node/bin', 'node_modules/.bin']) {
    mkdirSync(join(root, folder), { recursive: true })
    symlinkSync(process.execPath, join(root, folder, 'node'))
  }
  reapAtEnd(root)
  return join(root, 'bin/sluice')
}

testOld('the wrapper runs the command and passes its output and exit code on', async () => {
  const version = await sluice(['--version'], { command: COMMAND })
  expect(version).toMatchObject({ code: 0, stderr: '' })
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(await sluice(['status', '--server', 'x'], { command: COMMAND })).toMatchObject({ code: 2 })
  const stdin = '{"a": 1}'
  const asked = await sluice(['predict', '-d', '-', '--server', 'http://127.0.0.1:9'], {
    command: COMMAND,
    stdin,
  })
  expect(asked.code).toBe(4)
})

testOld('the wrapper says what to do when npm has not brought Node 24', async () => {
  const folder = makeTempDir('wrapper')
  copyFileSync(WRAPPER, join(folder, 'sluice'))
  const result = await sluice([], { command: [OLD_NODE ?? '', join(folder, 'sluice')] })
  expect(result).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'sluice needs Node 24: run npm ci, which brings it\n',
  })
})

testOld.each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const)('the wrapper ends like a command that %s has ended', async (name, code) => {
  const url = await startSocketServer(null)
  const args = [WRAPPER, 'status', '--server', url, '--timeout', '1m']
  const child = spawn(OLD_NODE ?? '', args, { env: plainEnv({ NODE_DEBUG: 'net' }) })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  await until(() => said.includes('connect'), { what: 'the request of the command' })
  child.kill(name)
  expect(await once(child, 'exit')).toEqual([code, null])
})

testOld('the wrapper hands SIGHUP, SIGTERM and, without a terminal, SIGINT on', async () => {
  const child = spawn(OLD_NODE ?? '', [countingInstallation()], { env: plainEnv() })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  const awaitText = (text: string) => until(() => said.includes(text), { what: text })
  await awaitText('started')
  child.kill('SIGHUP')
  await awaitText('reload')
  child.kill('SIGINT')
  await awaitText('interrupted 1')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([9, null])
  expect(said).toContain('ends after 1')
})

testTerminal('Ctrl-C in a terminal interrupts the command once', async () => {
  const installation = countingInstallation()
  const command = `${OLD_NODE} ${installation}`
  const child = spawn(SCRIPT ?? '', ['-qec', `exec ${command}`, '/dev/null'], { env: plainEnv() })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  await until(() => said.includes('started'), { what: 'the command' })
  child.stdin.write('\u0003')
  await until(() => said.includes('interrupted 1'), { what: 'the interrupt' })
  child.stdin.write('\u0003')
  await until(() => said.includes('interrupted 2'), { what: 'the next interrupt' })
  // Had the wrapper passed them on as well, there would be more than two by now.
  const isWrapper = (pid: number) => commandLineOf(pid).startsWith(command)
  signal(processesNaming(installation).find(isWrapper)!, 'SIGTERM')
  expect(await once(child, 'exit')).toEqual([9, null])
  expect(said).toContain('ends after 2')
})

test('what ends `npm start` ends the gateway as well', async () => {
  const root = dirname(dirname(countingInstallation()))
  const child = spawn('npm', ['start'], { cwd: root, env: plainEnv() })
  let said = ''
  child.stdout.on('data', (chunk) => {
    said += chunk
  })
  await until(() => /started \d+/.test(said), { what: 'the command' })
  atEnd(() => signal(Number(/started (\d+)/.exec(said)?.[1]), 'SIGKILL'))
  child.kill('SIGTERM')
  await until(() => said.includes('ends after 0'), { what: 'the end of the command' })
})
