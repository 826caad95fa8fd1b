import { existsSync } from 'node:fs'
import { createServer, type ListenOptions } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { findFreePort, guardPort } from '../../src/control/port-guard.ts'

const hasProc = existsSync('/proc/net/tcp')

const listen = async (options: ListenOptions): Promise<number> => {
  const server = createServer()
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0, ...options }, resolve)
  })
  return (server.address() as { port: number }).port
}

test('guardPort() lets a free port pass and leaves it free', async () => {
  const port = await findFreePort('127.0.0.1')
  await guardPort('127.0.0.1', port)
  await guardPort('127.0.0.1', port)
  expect(await listen({ port })).toBe(port)
})

test.each([
  ['an ordinary owner', {}],
  ['an owner that shares its port', { reusePort: true }],
])('guardPort() refuses a port of %s', async (_, options) => {
  const port = await listen(options)
  const owner = hasProc ? `(pid ${process.pid})` : 'another program'
  await expect(guardPort('127.0.0.1', port)).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(owner),
  })
  await expect(guardPort('127.0.0.1', port, '--control-port')).rejects.toThrow('--control-port')
})

test('guardPort() refuses 127.0.0.1 where somebody has all addresses', async () => {
  const port = await listen({ host: '0.0.0.0' })
  await expect(guardPort('127.0.0.1', port)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
})

test('guardPort() says so when the address is not of this machine', async () => {
  const wrong = expect.objectContaining({ code: 'CONFIG_INVALID' })
  // TEST-NET-1 (RFC 5737) belongs to nobody.
  await expect(guardPort('192.0.2.1', 8000)).rejects.toEqual(wrong)
  await expect(findFreePort('192.0.2.1')).rejects.toThrow('no such address')
})
