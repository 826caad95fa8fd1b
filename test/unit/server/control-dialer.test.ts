import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { type EnvelopeBody, envelopeCodec } from '../../../proto/control-envelope.ts'
import { DrainedSchema, ReportSchema, WelcomeSchema } from '../../../proto/gen/control_pb.ts'
import { ControlDialer } from '../../../src/server/control-dialer.ts'
import { Link } from '../../../src/shared/link.ts'
import { atEnd } from '../../helpers/clean-up.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'
import { until } from '../../helpers/until.ts'

const DIAL_AGAIN_MS = 200

const news = (event: string): EnvelopeBody => ({
  case: 'report',
  value: create(ReportSchema, { event }),
})

const eventOf = (body: EnvelopeBody): string =>
  body.case === 'report' ? body.value.event : String(body.case)

const makeDialer = (socketPath = join(makeTempDir('dial'), 's')) => {
  const clock = new FakeClock()
  const messages: string[] = []
  const dialer = new ControlDialer({
    socketPath,
    clock,
    greeting: () => [news('first'), news('second')],
    onMessage: (body) => messages.push(eventOf(body)),
  })
  atEnd(() => dialer.stop())
  return { dialer, clock, messages, socketPath }
}

/** Listens on the socket, notes what is said and answers every call. */
const listen = async (socketPath: string) => {
  const heard: string[] = []
  const links: Link<EnvelopeBody>[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    const onMessage = (body: EnvelopeBody, answer: (body: EnvelopeBody) => void) => {
      heard.push(eventOf(body))
      answer({ case: 'drained', value: create(DrainedSchema) })
    }
    links.push(new Link(socket, envelopeCodec, { onMessage, onClose: () => {} }))
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  atEnd(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { heard, links, sockets }
}

const untilHeard = (heard: readonly string[], count: number) =>
  until(() => heard.length === count, { what: `${count} messages` })

test('ControlDialer dials until control listens, and greets it first', async () => {
  const { dialer, clock, socketPath } = makeDialer()
  const lostMs = clock.monotonic()
  await until(() => clock.pending === 1, { what: 'the first failure' })
  await clock.advance(DIAL_AGAIN_MS)
  await until(() => clock.pending === 1, { what: 'the second failure' })
  expect(dialer.lostMs).toBe(lostMs)
  const { heard } = await listen(socketPath)
  await clock.advance(DIAL_AGAIN_MS)
  await untilHeard(heard, 2)
  expect(heard).toEqual(['first', 'second'])
  expect(dialer.lostMs).toBeNull()
})

test('ControlDialer dials again when the link is lost, and greets again', async () => {
  const socketPath = join(makeTempDir('dial'), 's')
  const { heard, sockets } = await listen(socketPath)
  const { dialer, clock } = makeDialer(socketPath)
  await untilHeard(heard, 2)
  await clock.advance(5000)
  sockets[0]!.destroy()
  await until(() => dialer.lostMs !== null, { what: 'the loss' })
  expect(dialer.lostMs).toBe(clock.monotonic())
  await clock.advance(DIAL_AGAIN_MS)
  await untilHeard(heard, 4)
  expect(dialer.lostMs).toBeNull()
})

test('tell() and call() reach control, and its messages reach us', async () => {
  const socketPath = join(makeTempDir('dial'), 's')
  const { heard, links } = await listen(socketPath)
  const { dialer, messages } = makeDialer(socketPath)
  await untilHeard(heard, 2)
  dialer.tell(news('told'))
  expect((await dialer.call(news('asked'), 1000)).case).toBe('drained')
  expect(heard.slice(2)).toEqual(['told', 'asked'])
  links[0]!.tell({ case: 'welcome', value: create(WelcomeSchema) })
  await until(() => messages.length === 1, { what: 'the message' })
  expect(messages).toEqual(['welcome'])
})

test('without a link call() rejects at once and tell() does nothing', async () => {
  const { dialer } = makeDialer()
  dialer.tell(news('lost'))
  await expect(dialer.call(news('asked'), 1000)).rejects.toThrow('no link')
})

test('stop() closes the link and dials no more', async () => {
  const socketPath = join(makeTempDir('dial'), 's')
  const { heard } = await listen(socketPath)
  const { dialer, clock } = makeDialer(socketPath)
  await untilHeard(heard, 2)
  dialer.stop()
  await until(() => dialer.lostMs !== null, { what: 'the end of the link' })
  await clock.advance(10 * DIAL_AGAIN_MS)
  expect(heard).toHaveLength(2)
  expect(clock.pending).toBe(0)
})

test('isFlowing is true only while a control is there that reads', async () => {
  const { dialer, clock, socketPath } = makeDialer()
  expect(dialer.isFlowing).toBe(false)
  const control = await listen(socketPath)
  await until(() => clock.pending === 1, { what: 'the failure' })
  await clock.advance(DIAL_AGAIN_MS)
  await until(() => dialer.isFlowing, { what: 'the link' })
  control.sockets[0]!.pause()
  const long = news('x'.repeat(100_000))
  for (let sent = 0; sent < 1000 && dialer.isFlowing; sent++) dialer.tell(long)
  expect(dialer.isFlowing).toBe(false)
  control.sockets[0]!.resume()
  await until(() => dialer.isFlowing, { what: 'control to have read' })
})
