/** Certificates that come while an engine serves, for every HTTP engine over TLS. */

import { readdirSync } from 'node:fs'
import { connect, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { makeCertificate } from '../certificates.ts'
import { atEnd } from '../clean-up.ts'
import { makeTempDir } from '../temp-dir.ts'
import { until } from '../until.ts'
import { type EngineKind, expectAlive, get, post, startEngine } from './http-engine-harness.ts'

type Versions = Pick<SecureContextOptions, 'maxVersion' | 'minVersion'>

const handshake = (port: number, versions: Versions = {}): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const place = { port, host: '127.0.0.1', rejectUnauthorized: false }
    const socket = connect({ ...place, ...versions }, () => resolve(socket))
    socket.once('error', reject)
    atEnd(() => void socket.destroy())
  })

/** The name that a new connection is shown. */
const shownName = async (port: number): Promise<string | undefined> => {
  const socket = await handshake(port)
  const name = socket.getPeerCertificate().subject.CN
  socket.destroy()
  return String(name)
}

const material = (name: string, minVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.2') => ({
  ...makeCertificate({ name }),
  minVersion,
  clientCa: null,
})

export const certificatesSuite = (kind: EngineKind): void => {
  describe(`certificates of the ${kind} engine`, () => {
    test('secure() shows the new one to new connections, and leaves open ones alone', async () => {
      const harness = await startEngine(kind)
      const client = await harness.client()
      await client.send(post('/held', 'first'))
      for (const name of ['second', 'third', 'fourth']) {
        harness.engine.secure(material(name))
        for (let i = 0; i < 4; i++) expect(await shownName(harness.port)).toBe(name)
      }
      harness.seen[0]!.exchange.reply('200 OK', 'late')
      expect((await client.answer()).body).toBe('late')
      await client.send(post('/x', 'still here'))
      expect((await client.answer()).body).toBe('still here')
      await expectAlive(harness)
    })

    test('secure() refuses what is not sound, and what was there stays', async () => {
      const keyFolder = makeTempDir('tls')
      const harness = await startEngine(kind, { keyFolder })
      harness.engine.secure(material('good'))
      const [a, b] = [material('a'), material('b')]
      const bad = [
        { ...a, privateKey: b.privateKey },
        { ...a, certificate: 'x' },
      ]
      for (const each of bad) {
        expect(() => harness.engine.secure(each)).toThrow(
          expect.objectContaining({ code: 'CONFIG_INVALID' }),
        )
        expect(await shownName(harness.port)).toBe('good')
      }
      expect(readdirSync(keyFolder)).toEqual([])
    })

    test('secure() sets the oldest version of TLS', async () => {
      const harness = await startEngine(kind)
      const old = { maxVersion: 'TLSv1.2' } as const
      expect((await handshake(harness.port, old)).getProtocol()).toBe('TLSv1.2')
      await expect(
        handshake(harness.port, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }),
      ).rejects.toThrow()
      harness.engine.secure(material('new', 'TLSv1.3'))
      await expect(handshake(harness.port, old)).rejects.toThrow(/alert|reset|disconnected/i)
      expect((await handshake(harness.port)).getProtocol()).toBe('TLSv1.3')
    })

    test('plain HTTP is refused at once', async () => {
      const harness = await startEngine(kind)
      const plain = await harness.plainClient()
      await plain.send(get('/x'))
      await plain.closed
      expect(plain.received).not.toContain('200')
      expect(harness.seen).toEqual([])
      await until(() => harness.connections.open === 0, { what: 'the connection to be gone' })
      await expectAlive(harness)
    })

    test('close() ends connections that are shown certificates of before', async () => {
      const harness = await startEngine(kind)
      const clients = [await harness.client()]
      for (const name of ['a', 'b']) {
        harness.engine.secure(material(name))
        clients.push(await harness.client())
      }
      const silent = await harness.plainClient()
      await until(() => harness.connections.open === 4, { what: 'all to be counted' })
      harness.engine.close()
      await Promise.all([...clients, silent].map(({ closed }) => closed))
      await until(() => harness.connections.open === 0, { what: 'all to be counted off' })
    })

    test('no connection is lost while certificates change', async () => {
      const harness = await startEngine(kind)
      let asked = 0
      let isOver = false
      const ask = async () => {
        while (!isOver) {
          const client = await harness.client()
          await client.send(post('/x', 'text'))
          expect((await client.answer()).body).toBe('text')
          client.socket.destroy()
          asked++
        }
      }
      const asking = Promise.all([ask(), ask(), ask(), ask()])
      for (let i = 0; i < 20; i++) {
        const before = asked
        harness.engine.secure(material(`certificate ${i}`))
        await until(() => asked >= before + 4, { what: 'requests to be answered', everyMs: 1 })
      }
      isOver = true
      await asking
    })
  })
}
