/** `sluice records verify`, from a living gateway to a folder from which something was taken. */

import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sluice } from '../helpers/cli.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const verify = async (...args: readonly string[]) => {
  const result = await sluice(['records', 'verify', ...args, '--json'])
  return { ...result, report: result.stdout === '' ? null : JSON.parse(result.stdout) }
}

const ask = async ({ httpUrl }: TestGateway, count: number): Promise<void> => {
  for (let i = 0; i < count; i++) {
    const body = JSON.stringify({ features: { x: [1, 2] } })
    const response = await fetch(`${httpUrl}/predict/m`, { method: 'POST', body })
    await response.arrayBuffer()
    expect(response.status).toBe(200)
  }
}

const KEYS = ['id', 'first', 'last', 'present', 'duplicates', 'gaps', 'open_ended']

test('verify proves what is there, and finds what was taken away', async () => {
  const path = join(makeTempDir('records'), 'records')
  const gateway = await startGateway({
    ...{ repository: makeRepository({ 'm/1/model.onnx': scaleAdd(2) }), hasRecords: true },
    ...{ replicas: 1, threads: 1 },
    env: { SLUICE_RECORDS__PATH: path, SLUICE_RECORDS__DURABILITY: 'process' },
  })
  const fresh = await sluice(['records', 'verify', path, '--state-dir', gateway.stateDir])
  expect(fresh).toMatchObject({ code: 0, stderr: '' })
  expect(fresh.stdout).toMatch(/^nothing to verify/)
  await ask(gateway, 7)
  const living = await verify(path, '--state-dir', gateway.stateDir)
  expect(living).toMatchObject({ code: 0, stderr: '' })
  expect(Object.keys(living.report)).toEqual(['ok', 'producers'])
  expect(living.report.producers.map(Object.keys)).toEqual([KEYS])
  expect(living.report.producers[0]).toMatchObject({ first: 1, last: 7, present: 7, gaps: [] })

  await gateway.killReplica(0)
  await gateway.untilSettled()
  await ask(gateway, 5)
  await gateway.stop()
  const whole = await verify(path)
  expect(whole).toMatchObject({ code: 0, stderr: '', report: { ok: true } })
  expect(whole.report.producers).toMatchObject([
    { last: 7, present: 7, duplicates: 0, open_ended: true },
    { last: 5, present: 5, duplicates: 0, open_ended: false },
  ])
  const page = await sluice(['records', 'verify', path])
  expect(page).toMatchObject({ code: 0, stderr: '' })
  expect(page.stdout).toMatch(/^12 of 12 sequences have their record, 2 producers {2}✔/)

  const files = readdirSync(path, { recursive: true, encoding: 'utf8' })
  const [taken = ''] = files.filter((file) => /^endpoint=m\/.*\.parquet$/.test(file)).sort()
  rmSync(join(path, taken))
  const robbed = await verify(path)
  expect(robbed).toMatchObject({ code: 6, report: { ok: false } })
  expect(robbed.stderr).toMatch(/^✖ \S+: \d records are missing\n/)
  const gaps = robbed.report.producers.flatMap((one: { gaps: object[] }) => one.gaps)
  expect(gaps[0]).toMatchObject({ from: 1, reason: 'missing' })
  const told = await sluice(['records', 'verify', path])
  expect(told.stdout).toContain('✖ of others nobody knows why they have none')
})

test('verify does not take a folder that is not there for one that is whole', async () => {
  const gone = await verify(join(makeTempDir('records'), 'gone'))
  expect(gone).toMatchObject({ code: 3, stdout: '' })
  expect(gone.stderr).toMatch(/^✖ FILE_INVALID: There is no folder .*gone\n/)
  const away = await verify(makeTempDir('away'))
  expect(away).toMatchObject({ code: 3, stdout: '' })
  expect(away.stderr).toMatch(/^✖ FILE_INVALID: There are no records in /)
  const cwd = makeTempDir('verify')
  mkdirSync(join(cwd, 'data/records/_producers'), { recursive: true })
  mkdirSync(join(cwd, '.sluice'))
  symlinkSync('spool', join(cwd, '.sluice/spool'))
  const closed = await sluice(['records', 'verify'], { cwd })
  expect(closed).toMatchObject({ code: 3, stdout: '' })
  expect(closed.stderr).toMatch(/^✖ FILE_INVALID: The spool at .*spool cannot be read: ELOOP\n/)
})
