import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { Link, type LinkHandlers } from '../../../src/shared/link.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { frameOf, socketPair, textCodec } from '../../helpers/text-links.ts'

const FRAME_BYTES_MAX = 1024

/** A link that records what reaches it; `heard` and `closed` resolve at the first of each. */
const openLink = (
  socket: Socket,
  onMessage: LinkHandlers<string>['onMessage'] = () => {},
  clock = new FakeClock(),
) => {
  const messages: string[] = []
  const heard = Promise.withResolvers<string>()
  const closed = Promise.withResolvers<Error | null>()
  const handlers: LinkHandlers<string> = {
    onMessage: (body, answer) => {
      messages.push(body)
      onMessage(body, answer)
      heard.resolve(body)
    },
    onClose: closed.resolve,
  }
  const link = new Link(socket, textCodec, handlers, { frameBytesMax: FRAME_BYTES_MAX, clock })
  return { link, messages, heard: heard.promise, closed: closed.promise, clock }
}

const echo: LinkHandlers<string>['onMessage'] = (body, answer) => answer(`${body}!`)

test('call() resolves with the answer, in both directions at once', async () => {
  const { near, far } = await socketPair()
  const [a, b] = [openLink(near, echo), openLink(far, echo)]
  const calls = [a.link.call('from a', 1000), b.link.call('from b', 1000)]
  expect(await Promise.all(calls)).toEqual(['from a!', 'from b!'])
})

test('call() gets its own answer when answers come in another order', async () => {
  const { near, far } = await socketPair()
  const answers: (() => void)[] = []
  openLink(far, (body, answer) => {
    answers.unshift(() => answer(`${body}!`))
    if (answers.length === 3) for (const give of answers) give()
  })
  const { link } = openLink(near)
  const calls = ['1', '2', '3'].map((text) => link.call(text, 1000))
  expect(await Promise.all(calls)).toEqual(['1!', '2!', '3!'])
})

test('call() rejects after its timeout and drops the answer that comes late', async () => {
  const { near, far } = await socketPair()
  const late = Promise.withResolvers<(body: string) => void>()
  openLink(far, (body, answer) => (body === 'slow' ? late.resolve(answer) : echo(body, answer)))
  const { link, clock, messages } = openLink(near)
  const slow = expect(link.call('slow', 200)).rejects.toThrow('No answer within 200 ms')
  const answer = await late.promise
  await clock.advance(200)
  await slow
  answer('too late')
  expect(await link.call('next', 200)).toBe('next!')
  expect(messages).toEqual([])
  expect(clock.pending).toBe(0)
})

test('answer() sends the first answer only', async () => {
  const { near, far } = await socketPair()
  openLink(far, (body, answer) => {
    answer(`${body} first`)
    answer(`${body} second`)
  })
  const { link, messages } = openLink(near)
  expect(await link.call('x', 1000)).toBe('x first')
  expect(await link.call('y', 1000)).toBe('y first')
  expect(messages).toEqual([])
})

test('tell() arrives as a message whose answer goes nowhere', async () => {
  const { near, far } = await socketPair()
  const { heard } = openLink(far, echo)
  const { link, messages } = openLink(near)
  link.tell('news')
  expect(await heard).toBe('news')
  expect(await link.call('x', 1000)).toBe('x!')
  expect(messages).toEqual([])
})

test('close() delivers what was told, rejects waiting calls and closes both ends', async () => {
  const { near, far } = await socketPair()
  const a = openLink(near)
  const b = openLink(far)
  const waiting = expect(a.link.call('never answered', 1000)).rejects.toThrow('closed')
  a.link.tell('last words')
  a.link.close()
  await waiting
  expect([await a.closed, await b.closed]).toEqual([null, null])
  expect(b.messages).toEqual(['never answered', 'last words'])
  expect([near.destroyed, far.destroyed]).toEqual([true, true])
  await expect(a.link.call('after', 1000)).rejects.toThrow('closed')
  a.link.tell('after')
  a.link.close()
})

test('call() rejects when the peer goes away', async () => {
  const { near, far } = await socketPair()
  const { link, closed } = openLink(near)
  const waiting = expect(link.call('x', 1000)).rejects.toThrow()
  far.destroy()
  await waiting
  await closed
})

const garbage: [string, Uint8Array][] = [
  ['a length over the limit', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a length of 0', Uint8Array.of(0, 0, 0, 0)],
  ['a message that does not decode', frameOf(Buffer.from('not json'))],
  [
    'a message after which garbage comes',
    Buffer.concat([frameOf(textCodec.encode(0n, 0n, 'ok')), Buffer.from([255, 255, 255, 255])]),
  ],
]

test.each(garbage)('Link closes with a reason on %s', async (_, bytes) => {
  const { near, far } = await socketPair()
  const { closed, link } = openLink(near)
  const waiting = expect(link.call('x', 1000)).rejects.toThrow()
  const ended = once(far, 'close')
  far.resume()
  far.write(bytes)
  expect(await closed).toBeInstanceOf(Error)
  await waiting
  await ended
})

test('Link waits for the rest of a frame without calling anybody', async () => {
  const { near, far } = await socketPair()
  const { heard, messages } = openLink(near)
  const frame = frameOf(textCodec.encode(0n, 0n, 'whole'))
  far.write(frame.subarray(0, 9))
  await settle()
  expect(messages).toEqual([])
  expect(near.destroyed).toBe(false)
  far.write(frame.subarray(9))
  expect(await heard).toBe('whole')
})

test('Link drops half a frame when the peer ends', async () => {
  const { near, far } = await socketPair()
  const { closed, messages } = openLink(near)
  far.end(frameOf(textCodec.encode(0n, 0n, 'whole')).subarray(0, 9))
  expect(await closed).toBeNull()
  expect(messages).toEqual([])
})

test('call() and tell() refuse a message over the limit and keep the link', async () => {
  const { near, far } = await socketPair()
  openLink(far, echo)
  const { link, clock } = openLink(near)
  const long = 'x'.repeat(FRAME_BYTES_MAX)
  await expect(link.call(long, 1000)).rejects.toThrow('at most 1024')
  expect(() => link.tell(long)).toThrow('at most 1024')
  expect(await link.call('short', 1000)).toBe('short!')
  expect(clock.pending).toBe(0)
})

test('Link closes when its peer does not read', async () => {
  const { near, far } = await socketPair()
  far.pause()
  const { link, closed } = openLink(near)
  const text = 'x'.repeat(900)
  for (let i = 0; i < 10_000 && !near.destroyed; i++) link.tell(text)
  expect((await closed)?.message).toBe('The peer does not read')
})

test('Link closes when a handler throws', async () => {
  const { near, far } = await socketPair()
  const { closed } = openLink(near, () => {
    throw new Error('handler')
  })
  openLink(far).link.tell('x')
  expect((await closed)?.message).toBe('handler')
})
