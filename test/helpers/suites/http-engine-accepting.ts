/** Engines that stop accepting and begin again, for every HTTP engine. */

import { describe, expect, test } from 'vitest'
import { Doorkeeper } from '../../../src/server/doorkeeper.ts'
import { systemClock } from '../../../src/shared/clock.ts'
import type { RawClient } from '../raw-client.ts'
import { until } from '../until.ts'
import { type EngineKind, expectAlive, post, startEngine } from './http-engine-harness.ts'

const echo = async (client: RawClient, text: string) => {
  await client.send(post('/x', text))
  expect((await client.answer()).body).toBe(text)
}

const untilAccepting = (engine: { readonly isAccepting: boolean }) =>
  until(() => engine.isAccepting, { what: 'the port to be bound' })

export const acceptingSuite = (kind: EngineKind): void => {
  describe(`the door of the ${kind} engine`, () => {
    test('pauseAccepting() leaves open connections alone, and resumeAccepting() ends it', async () => {
      const harness = await startEngine(kind)
      const { engine } = harness
      const client = await harness.client()
      for (let i = 0; i < 3; i++) {
        engine.pauseAccepting()
        engine.pauseAccepting()
        expect(engine.isAccepting).toBe(false)
        await expect(harness.client()).rejects.toThrow(/ECONNREFUSED|ECONNRESET/)
        await echo(client, `paused ${i}`)
        engine.resumeAccepting()
        engine.resumeAccepting()
        await untilAccepting(engine)
        await expectAlive(harness)
      }
      await echo(client, 'still there')
    })

    test('an engine that drains while it is paused stays closed', async () => {
      const harness = await startEngine(kind)
      harness.engine.pauseAccepting()
      harness.engine.resumeAccepting()
      harness.engine.stopAccepting()
      harness.engine.resumeAccepting()
      await until(
        () =>
          harness.client().then(
            () => false,
            () => true,
          ),
        { what: 'connections to be refused' },
      )
      expect(harness.engine.isAccepting).toBe(false)
    })

    test('close() works while it is paused', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      harness.engine.pauseAccepting()
      harness.engine.close()
      await client.closed
      await until(() => harness.connections.open === 0, { what: 'it to be counted off' })
    })

    test('a flood gets in up to the most, and who is in is served', async () => {
      const open = { now: 0, peak: 0 }
      const doorkeeper = new Doorkeeper({
        clock: systemClock,
        connectionsMax: 20,
        onChange: () => {},
      })
      const harness = await startEngine(kind, {
        onConnections: (delta) => {
          open.now += delta
          open.peak = Math.max(open.peak, open.now)
          doorkeeper.onConnections(delta)
        },
      })
      doorkeeper.begin(harness.engine)
      const served = await harness.client()
      await echo(served, 'first')
      const opened = await Promise.allSettled(Array.from({ length: 200 }, () => harness.client()))
      const clients = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
      await until(() => open.now >= 20 && !harness.engine.isAccepting, { what: 'it to be full' })
      expect(open.peak).toBe(20)
      await echo(served, 'among many')
      const inside = clients.filter(({ isClosed }) => !isClosed)
      await Promise.any(inside.map((client) => echo(client, 'inside')))
      for (const client of clients) client.socket.destroy()
      await untilAccepting(harness.engine)
      await until(async () => open.now === 1, { what: 'the others to be gone' })
      const late = await harness.client()
      await echo(late, 'after the flood')
    })
  })
}
