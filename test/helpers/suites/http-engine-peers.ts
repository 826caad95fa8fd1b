/** What an engine says of who sent a request, for every HTTP engine. */

import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { type EngineKind, post, startEngine } from './http-engine-harness.ts'

const PATH = '/v2/repository/models/m/load'

export const peersSuite = (kind: EngineKind): void => {
  describe(`peers of the ${kind} engine`, () => {
    test.each([
      ['of a program on this machine', PATH, [], true],
      ['through a proxy', PATH, ['X-Forwarded-For: 10.0.0.1'], false],
      ['through a proxy that keeps to RFC 7239', PATH, ['Forwarded: for=10.0.0.1'], false],
      ['from a page', PATH, ['Origin: http://127.0.0.1:8000'], false],
      ['from a page without a name', PATH, ['origin: null'], false],
      ['from a page, of an older browser', PATH, ['Sec-Fetch-Site: same-origin'], false],
      ['whose path does not depend on it', '/v2/models/m/infer', [], false],
    ] as const)('Exchange.isLocal of a request %s', async (_what, path, lines, expected) => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      await client.send(post(path, '{}', ...lines))
      await client.answer()
      expect(harness.seen[0]!.exchange.isLocal).toBe(expected)
    })

    const addresses = Object.values(networkInterfaces()).flat()
    const outer = addresses.find((each) => each?.family === 'IPv4' && !each.internal)
    // Skipped: where the loopback is the only network, there is no other address.
    test.skipIf(outer === undefined)('Exchange.isLocal of another address of here', async () => {
      const harness = await startEngine(kind, {}, 0, undefined, '0.0.0.0')
      const client = await harness.client(outer!.address)
      await client.send(post(PATH, '{}'))
      await client.answer()
      expect(harness.seen[0]!.exchange.isLocal).toBe(false)
    })

    test('Exchange.isLocal over IPv6', async () => {
      const harness = await startEngine(kind, {}, 0, undefined, '::')
      for (const host of ['::1', '127.0.0.1']) {
        const client = await harness.client(host)
        await client.send(post(PATH, '{}'))
        await client.answer()
        expect(harness.seen.pop()!.exchange.isLocal).toBe(true)
      }
    })
  })
}
