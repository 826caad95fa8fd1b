import { existsSync } from 'node:fs'
import { createServer, type ListenOptions } from 'node:net'
import { expect, test } from 'vitest'
import { choosePort } from '../../src/control/replicas/port-guard.ts'
import { atEnd } from '../helpers/clean-up.ts'

const hasProc = existsSync('/proc/net/tcp')
const HOST = '127.0.0.1'

const choose = (
  port: number,
  { host = HOST, freePort = '--http-port 0', living = [] as Parameters<typeof choosePort>[1] } = {},
) => choosePort({ host, port, freePort }, living)

const listen = async (options: ListenOptions): Promise<number> => {
  const server = createServer()
  atEnd(() => void server.close())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: HOST, port: 0, ...options }, resolve)
  })
  return (server.address() as { port: number }).port
}

test('choosePort() takes a free port and leaves it free', async () => {
  const port = await choose(0)
  expect(await choose(port)).toBe(port)
  expect(await choose(port)).toBe(port)
  expect(await listen({ port })).toBe(port)
})

test.each([
  ['an ordinary owner', {}],
  ['an owner that shares its port', { reusePort: true }],
])('choosePort() refuses a port of %s', async (_, options) => {
  const port = await listen(options)
  const owner = hasProc ? `(pid ${process.pid})` : 'another program'
  await expect(choose(port)).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(owner),
  })
  await expect(choose(port, { freePort: '--control-port 0' })).rejects.toThrow('--control-port')
})

test('choosePort() refuses 127.0.0.1 where somebody has all addresses', async () => {
  const port = await listen({ host: '0.0.0.0' })
  await expect(choose(port)).rejects.toMatchObject({ code: 'PORT_IN_USE' })
})

test('choosePort() says so when the address is not of this machine', async () => {
  const wrong = expect.objectContaining({ code: 'CONFIG_INVALID' })
  // TEST-NET-1 (RFC 5737) belongs to nobody.
  await expect(choose(8000, { host: '192.0.2.1' })).rejects.toEqual(wrong)
  await expect(choose(0, { host: '192.0.2.1' })).rejects.toThrow('no such address')
})

test('choosePort() lets replicas of ours keep their port, also where it was free to choose', async () => {
  const port = await listen({})
  const living = [{ host: HOST, httpPort: port, pid: process.pid }]
  expect(await choose(port, { living })).toBe(port)
  expect(await choose(0, { living })).toBe(port)
  expect(await choose(0, { host: '127.0.0.2', living })).toBeGreaterThan(0)
})

test('choosePort() looks at an address that living replicas do not listen on', async () => {
  const port = await listen({})
  const living = [{ host: HOST, httpPort: port, pid: process.pid }]
  await expect(choose(port, { host: '192.0.2.1', living })).rejects.toThrow('no such address')
  // What keeps us from all addresses is our own replica: its successor takes over.
  if (hasProc) expect(await choose(port, { host: '0.0.0.0', living })).toBe(port)
  const strangers = [{ host: HOST, httpPort: port, pid: 1 }]
  await expect(choose(port, { host: '0.0.0.0', living: strangers })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
  })
})
