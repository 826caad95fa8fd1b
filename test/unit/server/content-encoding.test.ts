import { deflateRawSync, deflateSync, gzipSync, type ZlibOptions } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { admitEncoding, withPlainBody } from '../../../src/server/content-encoding.ts'
import { type Refusal, refuse } from '../../../src/shared/errors.ts'
import { BodyBudget } from '../../helpers/body-budget.ts'
import { collect } from '../../helpers/collect.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const MIB = 1024 * 1024

/** What a client may mean by an encoding; the bare data is called deflate as well. */
const FORMS = {
  gzip: { encoding: 'gzip', compress: gzipSync },
  'gzip in two members': {
    encoding: 'x-gzip',
    compress: (body: Uint8Array, options: ZlibOptions) =>
      Buffer.concat([
        gzipSync(body.subarray(0, 10), options),
        gzipSync(body.subarray(10), options),
      ]),
  },
  zlib: { encoding: 'deflate', compress: deflateSync },
  'bare deflate': { encoding: 'Deflate', compress: deflateRawSync },
} as const

type Form = keyof typeof FORMS
const forms = Object.keys(FORMS) as Form[]

const compressed = (form: Form, body: Uint8Array, options: ZlibOptions = {}): Uint8Array =>
  new Uint8Array(FORMS[form].compress(body, options))

interface Read {
  readonly refusal: Refusal | null
  /** The bodies that were handed on; null: none. */
  readonly plain: Uint8Array | null
}

/** What comes of a body; whatever it is, nothing of the budget stays taken. */
const read = (
  body: Uint8Array,
  encoding: string,
  budget: BodyBudget = new BodyBudget(64 * MIB),
): Read => {
  let plain: Uint8Array | null = null
  const refusal = withPlainBody(body, encoding, budget, (given) => {
    expect(plain).toBeNull()
    plain = Uint8Array.from(given)
    return null
  })
  expect(budget.takenBytes).toBe(0)
  expect(refusal === null).toBe(plain !== null)
  return { refusal, plain }
}

const codeOf = ({ refusal }: Read) => refusal?.code ?? null

const options = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  windowBits: fc.integer({ min: 9, max: 15 }),
  strategy: fc.integer({ min: 0, max: 4 }),
})

/** Noise, and text that repeats itself. */
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 3000, size: 'max' }),
  fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 200 }))
    .map(([piece, times]) => Uint8Array.from(Buffer.concat(Array(times).fill(piece)))),
)

test.each(['', 'identity', 'Identity', 'gzip', 'GZip', 'x-gzip', 'deflate', 'DEFLATE'])(
  'admitEncoding() takes %j',
  (encoding) => {
    expect(admitEncoding(encoding)).toBeNull()
  },
)

test.each([
  ...['br', 'zstd', 'compress', ' ', ',', 'gzip,', 'gzip, gzip', 'identity, gzip'],
  ...['deflate, identity', 'identity;q=1', 'gzip\0', '__proto__', 'constructor', 'toString'],
])('admitEncoding() refuses %j', (encoding) => {
  expect(admitEncoding(encoding)).toMatchObject({ code: 'ENCODING_UNSUPPORTED' })
})

test.each(['', 'identity', 'IDENTITY'])(
  'withPlainBody() hands on a body of %j as it is',
  (name) => {
    const body = new Uint8Array([1, 2, 3])
    const budget = new BodyBudget(2, 0)
    expect(read(body, name, budget)).toEqual({ refusal: null, plain: body })
  },
)

test.each(forms)('withPlainBody() gives what was compressed as %s, however', (form) => {
  fc.assert(
    fc.property(bodies, options, (body, how) => {
      const { plain } = read(compressed(form, body, how), FORMS[form].encoding)
      expect(plain).toEqual(body)
    }),
    { numRuns: propertyRuns(200) },
  )
})

test('withPlainBody() gives what its user makes of the body, and the budget back when it throws', () => {
  const body = compressed('gzip', Buffer.from('text'))
  const budget = new BodyBudget(MIB)
  const refusal = refuse('REQUEST_MALFORMED', 'no')
  expect(withPlainBody(body, 'gzip', budget, () => refusal)).toBe(refusal)
  const fail = () => {
    expect(budget.takenBytes).toBeGreaterThan(0)
    throw new Error('a fault')
  }
  expect(() => withPlainBody(body, 'gzip', budget, fail)).toThrow('a fault')
  expect(budget.takenBytes).toBe(0)
})

const text = Buffer.from(JSON.stringify({ features: Array.from({ length: 25 }, (_, i) => i / 7) }))

test.each(forms)('withPlainBody() refuses %s that is cut short, wherever', (form) => {
  const whole = compressed(form, text)
  for (let length = 0; length < whole.length; length++) {
    const got = read(whole.subarray(0, length), FORMS[form].encoding)
    // Two members cut between them are one.
    if (got.refusal === null) expect([form, got.plain?.length]).toEqual(['gzip in two members', 10])
    else expect(codeOf(got), `after ${length}`).toBe('REQUEST_MALFORMED')
  }
})

test.each(['gzip', 'gzip in two members', 'zlib'] as const)(
  'withPlainBody() gives the same body of %s or refuses, whichever bit is wrong',
  (form) => {
    const whole = compressed(form, text)
    for (let at = 0; at < whole.length * 8; at++) {
      const damaged = Uint8Array.from(whole)
      damaged[at >> 3]! ^= 1 << (at & 7)
      const got = read(damaged, FORMS[form].encoding)
      // Names, times and the like of gzip mean nothing for the body.
      if (got.refusal === null) expect(got.plain).toEqual(new Uint8Array(text))
      else expect(['REQUEST_MALFORMED', 'ENCODING_RATIO_EXCEEDED']).toContain(codeOf(got))
    }
  },
)

test('withPlainBody() survives bare deflate with any bit wrong, and noise', () => {
  const whole = compressed('bare deflate', text)
  for (let at = 0; at < whole.length * 8; at++) {
    const damaged = Uint8Array.from(whole)
    damaged[at >> 3]! ^= 1 << (at & 7)
    read(damaged, 'deflate')
  }
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom('gzip', 'deflate'),
      (...sent) => {
        read(...sent)
      },
    ),
    { numRuns: propertyRuns(1000) },
  )
})

test.each([
  ['a byte', [1]],
  ['a zero', [0]],
  ['many zeros', Array(600).fill(0)],
  ['half a header of gzip', [0x1f, 0x8b]],
  ['text', [...Buffer.from('{"features": []}')]],
])('withPlainBody() refuses %s behind the end', (_name, more) => {
  for (const form of forms) {
    const got = read(new Uint8Array([...compressed(form, text), ...more]), FORMS[form].encoding)
    expect(codeOf(got), form).toBe('REQUEST_MALFORMED')
  }
})

test.each([
  ['plain text as gzip', 'gzip', text],
  ['plain text as deflate', 'deflate', text],
  ['zlib as gzip', 'gzip', compressed('zlib', text)],
  ['gzip as deflate', 'deflate', compressed('gzip', text)],
  ['nothing as gzip', 'gzip', new Uint8Array(0)],
  ['nothing as deflate', 'deflate', new Uint8Array(0)],
  [
    'a dictionary that nobody has',
    'deflate',
    deflateSync(text, { dictionary: Buffer.from('abc') }),
  ],
])('withPlainBody() refuses %s', (_name, encoding, body) => {
  expect(codeOf(read(new Uint8Array(body), encoding))).toBe('REQUEST_MALFORMED')
})

test.each(forms)(
  'withPlainBody() takes %s up to the limit of a body and not a byte more',
  (form) => {
    const { encoding } = FORMS[form]
    const noise = Uint8Array.from({ length: 5001 }, (_, i) => (i * i * 7919) >> 3)
    const most = read(compressed(form, noise.subarray(0, 5000)), encoding, new BodyBudget(5000))
    expect(most.plain?.length).toBe(5000)
    const more = read(compressed(form, noise), encoding, new BodyBudget(5000))
    expect(codeOf(more)).toBe('BODY_TOO_LARGE')
  },
)

test.each(forms)('withPlainBody() takes 11 times the bytes of %s and 16 KiB, not more', (form) => {
  const { encoding } = FORMS[form]
  const zeros = (length: number) => compressed(form, new Uint8Array(length))
  const mostOf = (length: number) => 11 * zeros(length).length + 16 * 1024
  let length = 1
  for (let step = MIB; step > 0; step >>= 1) {
    while (length + step <= mostOf(length + step)) length += step
  }
  const budget = new BodyBudget(64 * MIB)
  expect(read(zeros(length), encoding, budget).plain?.length).toBe(length)
  expect(codeOf(read(zeros(length + 1), encoding, budget))).toBe('ENCODING_RATIO_EXCEEDED')
  expect(budget.peakBytes).toBeLessThanOrEqual(mostOf(length))
})

const BOMBS = propertyRuns(10)

/** Inflates to 16 MiB, which a test would hold while it waits, had it made them itself. */
const bombOf = (form: Form): Uint8Array => compressed(form, new Uint8Array(16 * MIB))

test.each(forms)('withPlainBody() refuses a bomb of %s and keeps nothing of it', async (form) => {
  const { encoding } = FORMS[form]
  const bomb = bombOf(form)
  const mostBytes = 11 * bomb.length + 16 * 1024
  const budget = new BodyBudget(64 * MIB)
  await collect()
  const { external: beforeBytes } = process.memoryUsage()
  let inflatedBytes = 0
  for (let i = 0; i < BOMBS; i++) {
    const { arrayBuffers: startBytes } = process.memoryUsage()
    expect(codeOf(read(bomb, encoding, budget))).toBe('ENCODING_RATIO_EXCEEDED')
    // What is garbage by now still counts, unless the collector came in between: never too much.
    inflatedBytes = Math.max(inflatedBytes, process.memoryUsage().arrayBuffers - startBytes)
  }
  expect(budget.peakBytes).toBeLessThanOrEqual(mostBytes)
  expect(inflatedBytes).toBeGreaterThan(0)
  // Beside what a body may become, the piece in which it became more.
  expect(inflatedBytes).toBeLessThanOrEqual(2 * mostBytes)
  await collect()
  // Resident memory would tell when garbage was collected. One state of zlib takes some 40 KiB.
  expect(process.memoryUsage().external - beforeBytes).toBeLessThan(16 * 1024)
})

test('withPlainBody() refuses what the budget has no room for', () => {
  const body = compressed('gzip', text)
  const mostBytes = 11 * body.length + 16 * 1024
  const short = read(body, 'gzip', new BodyBudget(MIB, mostBytes - 1))
  expect(codeOf(short)).toBe('BODY_BUDGET_EXHAUSTED')
  expect(codeOf(read(body, 'gzip', new BodyBudget(MIB, mostBytes)))).toBeNull()
})
