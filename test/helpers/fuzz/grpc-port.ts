/** Connections to the gRPC port as a target: streams of frames that were right once, and noise. */

import type { Abused } from '../grpc-abuse.ts'
import { rawFloats } from '../grpc-client.ts'
import {
  call,
  callFields,
  data,
  FLAG,
  FRAME,
  type Frame,
  frame,
  grpcMessage,
  headers,
  hpackBlock,
  hpackField,
  hpackIndex,
  PREFACE,
  ping,
  reset,
  SETTING,
  settings,
  settingsAck,
  takeFrames,
  windowUpdate,
} from '../http2/frames.ts'
import { Http2Peer } from '../http2/peer.ts'
import { until } from '../until.ts'
import { damaged } from './bytes.ts'
import { type Input, inputFrom, type Target, type Verdict } from './harness.ts'
import type { Random } from './random.ts'

const REQUEST = rawFloats('m', [1, 2])
const WRONG = rawFloats('m', [1, 3])
const METHODS = ['ServerLive', 'ModelMetadata', 'RepositoryIndex', 'ModelStreamInfer', 'Nothing']

/** How often it is made sure that nothing is left behind. */
const LOOK_EVERY = 200
const CLOSE_MS_MAX = 15_000

const noise = (random: Random, lengthMax: number): Buffer =>
  Buffer.from(Array.from({ length: random.below(lengthMax) }, () => random.below(256)))

/** A frame or a few of a client that knows what it does; `stream` is its next. */
const sound = (random: Random, stream: number): Buffer => {
  const path = `/inference.GRPCInferenceService/${random.pick(METHODS)}`
  return random.pick([
    () => call(stream, REQUEST),
    () => call(stream, REQUEST),
    () => call(stream, random.pick([WRONG, Buffer.alloc(0), noise(random, 40)])),
    () => call(stream, random.pick([REQUEST, Buffer.alloc(0)]), path),
    () => Buffer.concat([call(stream, REQUEST), reset(stream)]),
    () => Buffer.concat([headers(stream), data(stream, grpcMessage(REQUEST).subarray(0, 20))]),
    () => Buffer.concat([windowUpdate(0, 1000), ping, settingsAck]),
    () => settings([random.pick(Object.values(SETTING)), random.below(100_000)]),
    () => headers(stream, Buffer.concat([hpackBlock(callFields()), hpackField('x', 'y', true)])),
    () => headers(stream, Buffer.concat([hpackIndex(62), noise(random, 20)])),
    () =>
      Buffer.concat([
        headers(stream, hpackBlock(callFields()).subarray(0, 20), 0),
        frame(FRAME.continuation, FLAG.endHeaders, stream, hpackBlock(callFields()).subarray(20)),
      ]),
  ])()
}

/** A frame that says what it likes. */
const odd = (random: Random): Buffer => {
  const payload = noise(random, random.pick([1, 9, 40]))
  const length = random.once(3) ? random.below(2 ** 24) : payload.length
  return frame(random.below(12), random.below(256), random.below(9), payload, length)
}

/** A whole connection. */
const conversation = (random: Random): Buffer => {
  const parts: Buffer[] = [PREFACE, settings()]
  const count = 1 + random.below(6)
  for (let i = 0; i < count; i++) parts.push(sound(random, 2 * i + 1))
  if (random.once(3)) parts.splice(2 + random.below(parts.length - 1), 0, odd(random))
  if (random.once(8)) parts.splice(random.below(parts.length), 1)
  return Buffer.concat(parts)
}

const make = (random: Random): Uint8Array => {
  if (random.once(20)) return noise(random, 400)
  const whole = conversation(random)
  const cut = random.once(2) ? 0 : PREFACE.length + settings().length
  if (random.once(3)) return whole
  const rest = damaged(random, whole.subarray(cut), conversation(random))
  return Buffer.concat([whole.subarray(0, cut), rest])
}

/** Streams that the bytes open, as far as they can be read. */
const openedBy = (bytes: Uint8Array): number => {
  const { frames } = takeFrames(Buffer.from(bytes.subarray(PREFACE.length)))
  return new Set(frames.filter(({ type }) => type === FRAME.headers).map(({ stream }) => stream))
    .size
}

const faulty = (fault: string): Verdict => ({ fault, isTaken: false, grownBytes: 0 })

/** Streams that were answered with a message. */
const answeredBy = (frames: readonly Frame[]): number =>
  new Set(frames.filter(({ type }) => type === FRAME.data).map(({ stream }) => stream)).size

const check =
  (abused: () => Abused, opened: typeof openedBy) =>
  async ({ bytes, choice }: Input): Promise<Verdict> => {
    const peer = await Http2Peer.dial(abused().port)
    const at = choice % (bytes.length + 1)
    peer.send(bytes.subarray(0, at))
    if (choice % 3 !== 0) await new Promise((resolve) => setImmediate(resolve))
    peer.send(bytes.subarray(at))
    // What it has to say is said before this; then nobody is there any more.
    await until(() => peer.isClosed || peer.frames.length > 0 || choice % 5 === 0, {
      what: 'a word',
      timeoutMs: 200,
      everyMs: 1,
    }).catch(() => {})
    peer.socket.end()
    try {
      await peer.untilClosed(CLOSE_MS_MAX)
    } catch {
      return faulty(`it is not closed after ${CLOSE_MS_MAX} ms`)
    }
    const answers = answeredBy(peer.frames)
    const streams = opened(bytes)
    if (answers > streams) return faulty(`${answers} answers to ${streams} calls`)
    return { fault: null, isTaken: answers > 0, grownBytes: 0 }
  }

/** `abused`: the gateway that its cases go to. */
export const grpcTarget = (abused: () => Abused): Target => {
  let cases = 0
  const checkOne = check(abused, openedBy)
  return {
    name: 'the gRPC port',
    make: (seed) => inputFrom(seed, make),
    check: async (input) => {
      const verdict = await checkOne(input)
      if (++cases % LOOK_EVERY === 0) await abused().expectUnharmed()
      return verdict
    },
    // As if no call had been made.
    canary: check(abused, () => 0),
  }
}
