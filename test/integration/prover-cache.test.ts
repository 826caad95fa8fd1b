/** What is proved again, and what is known already. */

import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { FakeClock } from '../helpers/fake-clock.ts'
import { endless, external, mlp, scaleAdd } from '../helpers/models.ts'
import { childrenOf, entryOf, makeProver, publish, reportOf } from '../helpers/prover.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const GIB = 1024 ** 3
const NEVER = entryOf('process.exit(9)')
const crashed = { code: 'PROVING_CRASHED' }

/** An entry that notes every run in a folder, and how many there were. */
const counted = () => {
  const folder = makeTempDir('runs')
  const note = `import { mkdtempSync } from 'node:fs'; mkdtempSync(${JSON.stringify(`${folder}/run-`)})`
  return { entry: entryOf(note, true), runs: () => readdirSync(folder).length }
}

test('prove() reads no file beside the model that is no part of it', async () => {
  const folder = makeTempDir()
  const subject = publish(scaleAdd())
  const beside = join(dirname(subject.modelFile), 'training-data.csv')
  writeFileSync(beside, '')
  truncateSync(beside, 512 * GIB) // reading it would take minutes
  const first = reportOf(await makeProver({}, folder).prove(subject))
  const cached = makeProver({ entry: NEVER }, folder)
  expect(await cached.prove(subject)).toEqual(first)
  writeFileSync(join(dirname(subject.modelFile), 'README.md'), 'edited')
  expect(await cached.prove(subject)).toEqual(first)
})

test('prove() keeps versions apart that differ only in their external data', async () => {
  const folder = makeTempDir()
  const model = external({ location: 'w' })
  const versions = [1, 2].map((value) =>
    publish(model, { w: new Uint8Array(new Float32Array(3).fill(value).buffer) }),
  )
  const prover = makeProver({}, folder)
  const proved = await Promise.all(versions.map((each) => prover.prove(each)))
  expect(reportOf(proved[0]!).provenSha256).not.toBe(reportOf(proved[1]!).provenSha256)
  const cached = makeProver({ entry: NEVER }, folder)
  for (const [i, each] of versions.entries()) expect(await cached.prove(each)).toEqual(proved[i])
})

test('prove() tries again what failed, whatever it was', async () => {
  const { entry, runs } = counted()
  const prover = makeProver({ entry })
  const subject = publish(external({ location: 'w' }))
  const lacking = await prover.prove(subject)
  expect(lacking).toMatchObject({ code: 'MODEL_INVALID' })
  expect(await prover.prove(subject)).toEqual(lacking)
  expect(runs()).toBe(2)
  writeFileSync(join(dirname(subject.modelFile), 'w'), new Uint8Array(12))
  reportOf(await prover.prove(subject))
  expect(runs()).toBe(3)
})

test('prove() minds no link to nowhere beside the model, such as the lock of an editor', async () => {
  const subject = publish(scaleAdd())
  symlinkSync('somebody@host.4711', join(dirname(subject.modelFile), '.#manifest.json'))
  reportOf(await makeProver().prove(subject))
})

test('prove() tries again what may have been the fault of the machine', async () => {
  const { entry, runs } = counted()
  const prover = makeProver({ entry, limits: { timeoutMs: 1, memoryBytesMax: GIB, rowsMax: 1 } })
  const subject = publish(mlp())
  expect(await prover.prove(subject)).toMatchObject({ code: 'PROVING_TIMEOUT' })
  prover.setLimits({ timeoutMs: 20_000, memoryBytesMax: GIB, rowsMax: 1 })
  reportOf(await prover.prove(subject))
  expect(runs()).toBeGreaterThan(0)
})

test('prove() answers with a report that cannot be stored', async () => {
  const folder = makeTempDir()
  const subject = publish(scaleAdd())
  const first = reportOf(await makeProver({}, folder).prove(subject))
  const proven = join(folder, 'proven')
  const name = readdirSync(proven).find((each) => each.endsWith('.json'))!
  rmSync(join(proven, name))
  mkdirSync(join(proven, name, 'in the way'), { recursive: true })
  const again = reportOf(await makeProver({}, folder).prove(subject))
  expect(again.provenSha256).toBe(first.provenSha256)
})

test('sweep() leaves the copies that are named, and nothing while something is proved', async () => {
  const folder = makeTempDir()
  const prover = makeProver({}, folder)
  const [kept, swept] = [publish(scaleAdd(2)), publish(scaleAdd(4))]
  const { provenSha256 } = reportOf(await prover.prove(kept))
  await prover.prove(swept)
  const names = () => readdirSync(join(folder, 'proven')).length
  const proving = prover.prove(publish(scaleAdd(8)))
  prover.sweep(new Set([provenSha256]))
  expect(names()).toBeGreaterThanOrEqual(4)
  await proving
  prover.sweep(new Set([provenSha256]))
  expect(names()).toBe(2)
  expect(await makeProver({ entry: NEVER }, folder).prove(kept)).toMatchObject({ provenSha256 })
  expect(await makeProver({ entry: NEVER }, folder).prove(swept)).toMatchObject(crashed)
})

test('versions that hang hold up no other for long', async () => {
  const clock = new FakeClock()
  const prover = makeProver({ clock })
  const hanging = [0, 1].map((i) => prover.prove({ ...publish(endless()), maxBatchSize: i }))
  const sound = prover.prove(publish(scaleAdd()))
  await until(() => childrenOf(process.pid).length === 2, { what: 'two runs' })
  await clock.advance(3000)
  reportOf(await sound)
  prover.close()
  for (const each of await Promise.all(hanging)) expect(each).toMatchObject(crashed)
})

test('close() ends what is being read, however large', async () => {
  const prover = makeProver()
  const subject = publish(new Uint8Array())
  truncateSync(subject.modelFile, 2 * GIB - 1)
  const proving = prover.prove(subject)
  prover.close()
  const detail = 'Sluice is shutting down'
  expect(await proving).toEqual({ ...crashed, detail })
})

test('forget() has a copy looked at again that seems not to have changed', async () => {
  const folder = makeTempDir()
  const subject = publish(scaleAdd())
  const prover = makeProver({}, folder)
  const { provenFile, provenSha256 } = reportOf(await prover.prove(subject))
  const whole = readFileSync(provenFile)
  writeFileSync(provenFile, whole.subarray(1))
  prover.forget({ provenSha256, warmupFiles: {} })
  const again = reportOf(await prover.prove(subject))
  expect(readFileSync(again.provenFile).equals(whole)).toBe(true)
})

test('a run that cannot be started for want of files fails, and harms nobody', () => {
  const source = (path: string) =>
    JSON.stringify(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)))
  const script = join(makeTempDir('script'), 'script.mjs')
  const task = { modelFile: publish(scaleAdd()).modelFile, scratchFolder: makeTempDir() }
  writeFileSync(
    script,
    `import { openSync } from 'node:fs'
    import { ProvingProcess } from ${source('control/proving/proving-process.ts')}
    import { systemClock } from ${source('shared/clock.ts')}
    try {
      for (;;) openSync('/dev/null')
    } catch {}
    const limits = { timeoutMs: 9000, memoryBytesMax: 1e9 }
    const task = ${JSON.stringify(task)}
    const { result } = new ProvingProcess('none.mjs', task, limits, systemClock)
    process.stdout.write(JSON.stringify(await result))`,
  )
  const shell = `ulimit -n 64; exec ${process.execPath} ${script}`
  expect(JSON.parse(execFileSync('sh', ['-c', shell], { encoding: 'utf8' }))).toEqual({
    ...crashed,
    detail: expect.stringMatching(/cannot be started \(E[A-Z]+\)/),
  })
})

test('prove() knows a version by the files of its samples too', async () => {
  const folder = makeTempDir()
  const { entry, runs } = counted()
  const warmupFolder = makeTempDir('warmup')
  const input = { name: 'x', datatype: 'FP32', dims: [3] }
  const file = (value: number) =>
    writeFileSync(join(warmupFolder, 'a'), Buffer.from(Float32Array.of(value, 2, 3).buffer))
  const subject = {
    ...publish(scaleAdd()),
    warmupFolder,
    warmups: [
      {
        ...{ name: 's', batchSize: 2, count: 1 },
        inputs: [{ ...input, data: { kind: 'file', file: 'a' } as const }],
      },
    ],
  }
  const prover = makeProver({ entry }, folder)
  file(1)
  const first = reportOf(await prover.prove(subject))
  expect(await prover.prove(subject)).toEqual(first)
  expect(runs()).toBe(1)
  file(7)
  const second = reportOf(await prover.prove(subject))
  expect(second.warmupFiles).not.toEqual(first.warmupFiles)
  expect(second.provenSha256).toBe(first.provenSha256)
  expect(runs()).toBe(2)
  // What no plan needs any more goes, the rest stays.
  const kept = second.warmupFiles['a']!
  prover.sweep(new Set([second.provenSha256, kept]))
  const data = readdirSync(join(folder, 'proven')).filter((name) => name.endsWith('.data'))
  expect(data).toEqual([`${kept}.data`])
  rmSync(join(folder, 'proven', `${kept}.data`))
  expect(reportOf(await prover.prove(subject)).warmupFiles).toEqual(second.warmupFiles)
  expect(runs()).toBe(3)
})
