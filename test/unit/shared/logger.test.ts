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
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
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
