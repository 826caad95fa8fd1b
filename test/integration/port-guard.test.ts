import { existsSync } from 'node:fs'
import { createServer, type ListenOptions } from 'node:net'
import { expect, test } from 'vitest'
import { choosePort } from '../../src/control/replicas/port-guard.ts'
import { choosePorts } from '../../src/control/replicas/replica-ports.ts'
import { ownIdentity } from '../../src/shared/process-identity.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { findFreePort } from '../helpers/ports.ts'

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
  const living = [{ host: HOST, port, pid: process.pid }]
  expect(await choose(port, { living })).toBe(port)
  expect(await choose(0, { living })).toBe(port)
  expect(await choose(0, { host: '127.0.0.2', living })).toBeGreaterThan(0)
})

test('choosePort() looks at an address that living replicas do not listen on', async () => {
  const port = await listen({})
  const living = [{ host: HOST, port, pid: process.pid }]
  await expect(choose(port, { host: '192.0.2.1', living })).rejects.toThrow('no such address')
  // What keeps us from all addresses is our own replica: its successor takes over.
  if (hasProc) expect(await choose(port, { host: '0.0.0.0', living })).toBe(port)
  const strangers = [{ host: HOST, port, pid: 1 }]
  await expect(choose(port, { host: '0.0.0.0', living: strangers })).rejects.toMatchObject({
    code: 'PORT_IN_USE',
  })
})

const HTTP_AND_GRPC = { host: HOST, httpPort: 0, grpcPort: 0 }

test('choosePorts() takes two that are free, or one where no gRPC is served', async () => {
  const { httpPort, grpcPort } = await choosePorts(HTTP_AND_GRPC)
  expect(grpcPort).not.toBe(httpPort)
  expect(await choosePorts({ host: HOST, httpPort, grpcPort })).toEqual({ httpPort, grpcPort })
  const without = await choosePorts({ ...HTTP_AND_GRPC, grpcPort: null })
  expect(without).toEqual({ httpPort: expect.any(Number), grpcPort: null })
})

test('choosePorts() names the flag of the port that is taken', async () => {
  const port = await listen({ reusePort: true })
  const grpc = choosePorts({ ...HTTP_AND_GRPC, grpcPort: port })
  await expect(grpc).rejects.toMatchObject({ code: 'PORT_IN_USE' })
  await expect(grpc).rejects.toThrow(/Port \d+ .*: --grpc-port 0 takes a free one/)
  const http = choosePorts({ ...HTTP_AND_GRPC, httpPort: port })
  await expect(http).rejects.toThrow(/: --http-port 0 takes a free one/)
})

test('choosePorts() lets replicas of ours keep their ports, also those of a release without gRPC', async () => {
  const [httpPort, grpcPort] = [await listen({}), await listen({})]
  const replica = { host: HOST, httpPort, grpcPort, identity: ownIdentity() }
  expect(await choosePorts(HTTP_AND_GRPC, [replica])).toEqual({ httpPort, grpcPort })
  const old = { ...replica, grpcPort: null }
  const chosen = await choosePorts(HTTP_AND_GRPC, [old])
  expect(chosen.httpPort).toBe(httpPort)
  expect([0, null, httpPort]).not.toContain(chosen.grpcPort)
})

test('choosePorts() gives no port to gRPC that replicas of ours have for HTTP, and vice versa', async () => {
  const [httpPort, grpcPort] = [await listen({}), await listen({})]
  const living = [{ host: HOST, httpPort, grpcPort, identity: ownIdentity() }]
  const free = await findFreePort()
  const swapped = choosePorts({ host: HOST, httpPort: free, grpcPort: httpPort }, living)
  await expect(swapped).rejects.toMatchObject({ code: 'PORT_IN_USE' })
  await expect(swapped).rejects.toThrow(`Port ${httpPort} is that of HTTP of replicas`)
  const other = choosePorts({ host: HOST, httpPort: grpcPort, grpcPort: null }, living)
  await expect(other).rejects.toThrow(`Port ${grpcPort} is that of gRPC of replicas`)
})
