import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { atEnd } from '../../../helpers/clean-up.ts'
import { isAlive, signal } from '../../../helpers/reaper.ts'
import { until } from '../../../helpers/until.ts'

/** Its first thread ends at once when it is killed; the other one gives the memory back. */
const CHILD = `
  const { Worker } = require('node:worker_threads')
  const kept = Array.from({ length: 10 }, () => Buffer.alloc(20e6, 1))
  const listening = "require('node:net').createServer().listen(0, '127.0.0.1', function () {" +
    "require('node:worker_threads').parentPort.postMessage(this.address().port) })"
  new Worker(listening, { eval: true }).on('message', (port) => console.log(port, kept.length))
`

test('isAlive() is true as long as any thread may hold a socket', async () => {
  const child = spawn(process.execPath, ['-e', CHILD], { stdio: ['ignore', 'pipe', 'inherit'] })
  atEnd(() => signal(child.pid!, 'SIGKILL'))
  const [said] = await once(child.stdout, 'data')
  const port = Number.parseInt(String(said), 10)
  expect(isAlive(child.pid!)).toBe(true)
  signal(child.pid!, 'SIGKILL')
  await until(() => !isAlive(child.pid!), { what: 'its end', everyMs: 1 })
  const [error] = await once(connect({ port, host: '127.0.0.1' }), 'error')
  expect((error as NodeJS.ErrnoException).code).toBe('ECONNREFUSED')
})
