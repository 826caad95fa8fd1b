/** Versions that must not be served, each against a real child process. */

import { mkdirSync, readdirSync, symlinkSync, truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ProvingReport } from '../../src/runtime/proving-report.ts'
import { endlessInBatches } from '../helpers/leaky-models.ts'
import {
  endless,
  external,
  float16,
  foreignDomain,
  hugeAllocation,
  mlp,
  nested,
  scaleAdd,
  sequenceOutput,
} from '../helpers/models.ts'
import { graph, model } from '../helpers/onnx-writer.ts'
import { childrenOf, entryOf, LIMITS, makeProver, publish, reportOf } from '../helpers/prover.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const GIB = 1024 ** 3

/** Proves a bad version, and then a good one with the same prover. */
const refusalOf = async (bytes: Uint8Array, files: Record<string, Uint8Array> = {}) => {
  const folder = makeTempDir()
  const prover = makeProver({}, folder)
  const result = await prover.prove(publish(bytes, files))
  expect(readdirSync(join(folder, 'proven'))).toEqual([])
  expect(readdirSync(join(folder, 'proving'))).toEqual([])
  reportOf(await prover.prove(publish(scaleAdd())))
  return result
}

describe('prove() of models that cannot be used', () => {
  test.each([
    ['nothing', new Uint8Array(), /it has no graph/],
    ['garbage', Buffer.from('garbage'), /^model\.onnx is no ONNX model: /],
    ['half a model', mlp().subarray(0, 5000), /cut off or damaged: .*longer than its message/],
    ['an empty graph', model(graph({ nodes: [], outputs: [] })), /./],
    ['float16', float16(), /'x' is FLOAT16.*cast it inside the model/],
    ['a sequence', sequenceOutput(), /'y' is not a tensor; export without zipmap/],
    ['graphs that protobuf finds too deep', nested(40), /Protobuf parsing failed/],
  ])('gives a reason for %s', async (_what, bytes, reason) => {
    const result = await refusalOf(bytes)
    expect(result).toEqual({ code: 'MODEL_INVALID', detail: expect.stringMatching(reason) })
    expect((result as { detail: string }).detail).not.toMatch(/\/tmp\/|onnxruntime_src/)
  })

  test.each([
    ['a foreign domain', foreignDomain(), /domain 'com.evil' are not allowed/],
    ['graphs beyond the limit', nested(70), /nest too deeply/],
    ['external data above its folder', external({ location: '../weights' }), /beside it/],
    ['external data elsewhere', external({ location: '/etc/passwd' }), /beside it/],
  ])('calls %s unsafe', async (_what, bytes, reason) => {
    const detail = expect.stringMatching(reason)
    expect(await refusalOf(bytes)).toEqual({ code: 'MODEL_UNSAFE', detail })
  })

  test('follows no link to external data', async () => {
    const subject = publish(external({ location: 'weights' }))
    symlinkSync('/etc/passwd', join(dirname(subject.modelFile), 'weights'))
    expect(await makeProver().prove(subject)).toMatchObject({ code: 'MODEL_UNSAFE' })
  })

  test('refuses external data that is absent or too short', async () => {
    const bytes = external({ location: 'weights', length: '12' })
    const code = 'MODEL_INVALID'
    expect(await refusalOf(bytes)).toMatchObject({ code, detail: expect.stringMatching(/missing/) })
    const short = await refusalOf(bytes, { weights: Buffer.alloc(11) })
    expect(short).toMatchObject({ code, detail: expect.stringMatching(/too short/) })
  })

  test('refuses files that are too large before it reads them', async () => {
    const subject = publish(new Uint8Array())
    truncateSync(subject.modelFile, 2 * GIB)
    expect(await makeProver().prove(subject)).toMatchObject({ code: 'MODEL_UNSAFE' })
  })

  test('refuses what is no file', async () => {
    const folder = makeTempDir()
    mkdirSync(join(folder, 'model.onnx'))
    const subject = { ...publish(scaleAdd()), modelFile: join(folder, 'model.onnx') }
    expect(await makeProver().prove(subject)).toMatchObject({ code: 'REPOSITORY_UNREADABLE' })
    const absent = { ...subject, modelFile: join(folder, 'absent') }
    expect(await makeProver().prove(absent)).toMatchObject({ code: 'REPOSITORY_UNREADABLE' })
  })
})

describe('prove() of models that misbehave', () => {
  test('ends one that hangs, and frees its place', async () => {
    const prover = makeProver({ limits: { ...LIMITS, timeoutMs: 1000 } })
    const hang = () => prover.prove(publish(endless()))
    const timeout = { code: 'PROVING_TIMEOUT', detail: 'It took more than 1 s' }
    expect(await Promise.all([hang(), hang(), hang()])).toEqual([timeout, timeout, timeout])
    expect(childrenOf(process.pid)).toEqual([])
    prover.setLimits(LIMITS)
    reportOf(await prover.prove(publish(scaleAdd())))
  })

  test('ends one that eats memory', async () => {
    const prover = makeProver({ limits: { ...LIMITS, memoryBytesMax: GIB / 4 } })
    const detail = 'It needed more than 256 MiB'
    const greedy = publish(hugeAllocation(GIB / 4))
    expect(await prover.prove(greedy)).toEqual({ code: 'PROVING_MEMORY', detail })
  })

  test('fails one that asks for more memory than there is', async () => {
    expect(await refusalOf(hugeAllocation(10 ** 10))).toMatchObject({ code: 'PROVING_MEMORY' })
  })

  test.each([
    ['a signal', "process.kill(process.pid, 'SIGSEGV')", 'by SIGSEGV'],
    ['an abort', 'process.abort()', 'by SIGABRT'],
    ['an exit code', 'process.exit(3)', 'with code 3'],
    ['silence', '', 'with code 0'],
    ['garbage', 'process.stdout.write(\'{"digest"\')', 'with code 0'],
    ['a crash after its report', 'console.log("{}"); process.abort()', 'by SIGABRT'],
  ])('survives one that ends with %s', async (_what, code, end) => {
    const prover = makeProver({ entry: entryOf(code) })
    const detail = `The process that tried it ended ${end}`
    const crashed = { code: 'PROVING_CRASHED', detail }
    expect(await prover.prove(publish(scaleAdd()))).toEqual(crashed)
    expect(await prover.prove(publish(scaleAdd()))).toEqual(crashed)
  })

  test('reads the report behind what a library prints', async () => {
    const prover = makeProver({ entry: entryOf("console.log('[W:onnxruntime] a warning')", true) })
    reportOf(await prover.prove(publish(scaleAdd())))
  })

  test('kills what is under way when it is closed, and begins nothing more', async () => {
    const prover = makeProver()
    const results = [endless(), endless(), scaleAdd()].map((bytes, i) =>
      prover.prove({ ...publish(bytes), maxBatchSize: i }),
    )
    const isTried = () => childrenOf(process.pid).length === 2
    await until(isTried, { what: 'two children' })
    prover.close()
    for (const result of results) expect(await result).toMatchObject({ code: 'PROVING_CRASHED' })
    expect(childrenOf(process.pid)).toEqual([])
  })
})

describe('prove() of versions that change', () => {
  test('reports on the bytes it has proved, and remembers nothing wrong', async () => {
    const folder = makeTempDir()
    const other = publish(scaleAdd(5))
    const subject = publish(scaleAdd(3))
    const copy = `import { copyFileSync } from 'node:fs'
      copyFileSync(${JSON.stringify(other.modelFile)}, ${JSON.stringify(subject.modelFile)})`
    const changing = makeProver({ entry: entryOf(copy, true) }, folder)
    const report = reportOf(await changing.prove(subject))
    expect(report.signature.inputs[0]?.shape).toEqual([-1, 5])
    publish(scaleAdd(3), {}, dirname(subject.modelFile))
    const again: ProvingReport = reportOf(await makeProver({}, folder).prove(subject))
    expect(again.signature.inputs[0]?.shape).toEqual([-1, 3])
  })

  test('does not write into the folder of the version', async () => {
    const subject = publish(scaleAdd(), { 'notes.txt': Buffer.from('mine') })
    reportOf(await makeProver().prove(subject))
    expect(readdirSync(dirname(subject.modelFile)).sort()).toEqual(['model.onnx', 'notes.txt'])
  })
})

describe('prove() when the state folder cannot be written', () => {
  /** Proves a sound model; `code` runs in the child before. Its scratch folder is `scratch`. */
  const sabotaged = (code: string) => {
    const folder = makeTempDir()
    const places = `import { mkdirSync, rmSync } from 'node:fs'
      const proven = ${JSON.stringify(join(folder, 'proven'))}
      const scratch = ${JSON.stringify(join(folder, 'proving'))} + '/' + process.ppid + '-1'
      const occupy = (name) => mkdirSync(scratch + '/' + name, { recursive: true })`
    const prover = makeProver({ entry: entryOf(`${places}\n${code}`, true) }, folder)
    return prover.prove(publish(scaleAdd()))
  }

  test.each([
    ['the copy of the model', "occupy('published/model.onnx')", 'EEXIST'],
    // ONNX Runtime does not say why it could not write; the probe of our own does.
    ['the optimised model', "occupy('optimised.onnx'); occupy('optimised.onnx.room')", 'EEXIST'],
    ['the proven copy', 'rmSync(proven, { recursive: true })', 'ENOENT'],
  ])('does not blame the model for %s', async (_what, code, errno) => {
    const detail = `The proving run cannot write into the state folder (${errno})`
    expect(await sabotaged(code)).toEqual({ code: 'STATE_UNWRITABLE', detail })
  })

  test('serves the model as it was published where only the optimised one cannot be', async () => {
    const report = reportOf(await sabotaged("occupy('optimised.onnx')"))
    expect(report.provenSha256).toBe(report.digest)
  })
})

test('prove() leaves no copy of a version that hangs in its last test', async () => {
  const folder = makeTempDir()
  const prover = makeProver({ limits: { ...LIMITS, timeoutMs: 1500 } }, folder)
  const hanging = publish(endlessInBatches())
  expect(await prover.prove(hanging)).toMatchObject({ code: 'PROVING_TIMEOUT' })
  expect(readdirSync(join(folder, 'proven'))).toEqual([])
  prover.setLimits(LIMITS)
  // It is sound where batches are never formed.
  reportOf(await prover.prove({ ...hanging, maxBatchSize: 0 }))
})
