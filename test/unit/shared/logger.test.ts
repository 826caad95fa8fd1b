import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { GatewayError } from '../../../src/shared/errors.ts'
import { createLogger } from '../../../src/shared/logger.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const written = (log: (logger: ReturnType<typeof createLogger>) => void, level = 'info') => {
  const file = join(makeTempDir('log'), 'log')
  const fd = openSync(file, 'w')
  log(createLogger({ level, component: 'control', fd }))
  closeSync(fd)
  return linesOf(file)
}

const linesOf = (file: string): Record<string, unknown>[] => {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

test('createLogger() writes one line of JSON with event, component, level and time', () => {
  const [line, ...more] = written((logger) => logger.info({ event: 'ready', epoch: 3 }, 'ready'))
  expect(more).toEqual([])
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    component: 'control',
    event: 'ready',
    epoch: 3,
    msg: 'ready',
  })
})

test('createLogger() writes secrets and the values of clients at no depth', () => {
  const secret = 'hunter2'
  const [line] = written((logger) =>
    logger.warn({
      event: 'x',
      authorization: secret,
      headers: { authorization: secret, cookie: secret },
      request: { body: { features: { age: secret } }, headers: { token: secret } },
      settings: { password: secret },
    }),
  )
  expect(JSON.stringify(line)).not.toContain(secret)
  expect(line).toMatchObject({ event: 'x', authorization: '[Redacted]' })
})

test('createLogger() writes what went wrong below', () => {
  const thrown = new GatewayError('STATE_CORRUPT', 'a file', { cause: new Error('EIO') })
  const [line] = written((logger) => logger.error({ event: 'x', error: thrown }))
  expect(line).toMatchObject({ error: { code: 'STATE_CORRUPT' } })
  expect(JSON.stringify(line)).toContain('EIO')
})

test('createLogger() leaves out what is below its level', () => {
  const lines = written((logger) => {
    logger.info({ event: 'a' })
    logger.warn({ event: 'b' })
  }, 'warn')
  expect(lines.map((line) => line['event'])).toEqual(['b'])
})

test('createLogger() drops what cannot be written, ends nothing, and says later how much', () => {
  const folder = makeTempDir('log')
  const full = openSync('/dev/full', 'w')
  const logger = createLogger({ level: 'info', component: 'control', fd: full })
  for (const n of [1, 2, 3]) logger.info({ event: 'lost', n })
  closeSync(full)
  logger.info({ event: 'lost', n: 4 }) // the descriptor itself has gone
  // The lowest free descriptor is given out again, as when a disk has room again.
  const fd = openSync(join(folder, 'log'), 'w')
  expect(fd).toBe(full)
  logger.info({ event: 'kept' })
  logger.info({ event: 'kept' })
  closeSync(fd)
  expect(linesOf(join(folder, 'log'))).toMatchObject([
    { event: 'kept' },
    { event: 'log_lines_lost', level: 'warn', lines: 4 },
    { event: 'kept' },
  ])
})
