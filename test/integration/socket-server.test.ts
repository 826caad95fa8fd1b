import { once } from 'node:events'
import { mkdirSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { type EnvelopeBody, envelopeCodec } from '../../proto/control-envelope.ts'
import { DrainedSchema, type Hello, HelloSchema } from '../../proto/gen/control_pb.ts'
import { SocketServer } from '../../src/control/replicas/socket-server.ts'
import { Link } from '../../src/shared/link.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { failure } from '../helpers/failure.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const news: EnvelopeBody = { case: 'drained', value: create(DrainedSchema) }

/** A server, not yet listening, that accepts replicas below 2 and notes what happens. */
const makeServer = (path = join(makeTempDir(), 's')) => {
  const clock = new FakeClock()
  const events: string[] = []
  const server = new SocketServer(path, clock, createLogger({ level: 'silent', component: 't' }), {
    judge: ({ replica }) => (replica < 2 ? '' : 'no such replica'),
    onAccepted: ({ replica }) => void events.push(`accepted ${replica}`),
    onRefused: ({ replica, protocol }) => void events.push(`refused ${replica} of ${protocol}`),
    onMessage: (_, body, answer) => {
      events.push(`message ${body.case}`)
      answer(news)
    },
    onClosed: () => void events.push('closed'),
  })
  atEnd(() => server.close())
  return { server, path, clock, events }
}

const startServer = async () => {
  const made = makeServer()
  await made.server.listen()
  return made
}

const dial = async (path: string): Promise<Socket> => {
  const socket = connect(path)
  atEnd(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** Resolves when the other side has closed, with or without a reset. */
const ended = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.resume()
    socket.on('error', () => {})
    socket.once('close', () => resolve())
  })

const talk = (socket: Socket) => {
  const heard: EnvelopeBody[] = []
  const closed = Promise.withResolvers<void>()
  const link = new Link(
    socket,
    envelopeCodec,
    { onMessage: (body) => void heard.push(body), onClose: () => closed.resolve() },
    { frameBytesMax: 1024 },
  )
  return { link, heard, closed: closed.promise }
}

const hello = (replica: number, protocol = 1): EnvelopeBody => ({
  case: 'hello',
  value: create(HelloSchema, { protocol, replica, pid: 1 }),
})

test('listen() makes a socket that only its owner may use', async () => {
  const { path } = await startServer()
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test.each([
  ['a folder is in its place', 'folder'],
  ['its folder is absent', join('absent', 's')],
])('listen() says that the control socket cannot be made when %s', async (_, way) => {
  const root = makeTempDir()
  mkdirSync(join(root, 'folder'))
  const { server } = makeServer(join(root, way))
  const { code, detail } = await failure(() => server.listen())
  expect(code).toBe('STATE_UNWRITABLE')
  expect(detail).toMatch(/^The control socket cannot be written: .*--state-dir$/)
  expect(detail).not.toContain(root)
})

test('SocketServer welcomes a replica, then passes its messages on', async () => {
  const { path, events, clock } = await startServer()
  const { link, heard } = talk(await dial(path))
  link.tell(hello(1))
  link.tell(news)
  await until(() => events.length === 2, { what: 'two events' })
  expect(events).toEqual(['accepted 1', 'message drained'])
  await until(() => heard.length === 1, { what: 'Welcome' })
  expect(heard[0]).toMatchObject({ case: 'welcome', value: { refused: '' } })
  await clock.advance(60_000)
  link.close()
  await until(() => events.at(-1) === 'closed', { what: 'the close' })
})

test.each([
  ['a replica that is not wanted', hello(2), 'no such replica'],
  ['a newer protocol', hello(1, 2), 'protocol 2; control speaks 1'],
  ['an older protocol', hello(1, 0), 'protocol 0; control speaks 1'],
])('SocketServer refuses %s and says why', async (_, body, reason) => {
  const { path, events } = await startServer()
  const { link, heard, closed } = talk(await dial(path))
  link.tell(body)
  link.tell(news)
  await closed
  expect(heard).toHaveLength(1)
  expect(heard[0]).toMatchObject({ case: 'welcome', value: { refused: reason } })
  const { replica, protocol } = body.value as Hello
  expect(events).toEqual([`refused ${replica} of ${protocol}`])
})

test('SocketServer passes answers on to whoever called', async () => {
  const { path } = await startServer()
  const { link } = talk(await dial(path))
  link.tell(hello(1))
  expect((await link.call(news, 5000)).case).toBe('drained')
})

test.each([
  ['another message than Hello', Uint8Array.of(3, 0, 0, 0, 0xa2, 1, 0)],
  ['a message of a newer release', Uint8Array.of(4, 0, 0, 0, 0xa2, 0x1f, 1, 1)],
  ['an HTTP request', Buffer.from('GET /metrics HTTP/1.1\r\n\r\n')],
])('SocketServer closes on %s', async (_, bytes) => {
  const { path, events } = await startServer()
  const socket = await dial(path)
  const closed = ended(socket)
  socket.write(bytes)
  await closed
  expect(events).toEqual([])
})

test('SocketServer closes a connection that does not say Hello within 5 s', async () => {
  const { path, events, clock } = await startServer()
  const socket = await dial(path)
  const closed = ended(socket)
  socket.write(Uint8Array.of(3, 0))
  await until(() => clock.pending === 1, { what: 'the accept' })
  await clock.advance(5000)
  await closed
  expect(events).toEqual([])
})

test('close() ends every connection, and another server may follow', async () => {
  const { server, path, events } = await startServer()
  const { link, closed } = talk(await dial(path))
  link.tell(hello(0))
  await until(() => events.length === 1, { what: 'Hello' })
  await server.close()
  await closed
  await server.listen()
  await server.close()
  await server.close()
})
