/** External data: read once, folded in, and part of what a version is. */

import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { loadProven } from '../../src/runtime/load-proven.ts'
import { DEFAULT_SESSION } from '../../src/shared/session-settings.ts'
import { external } from '../helpers/models.ts'
import {
  ELEMENT,
  field,
  floats,
  graph,
  message,
  model,
  node,
  value,
} from '../helpers/onnx-writer.ts'
import { entryOf, makeProver, publish, reportOf } from '../helpers/prover.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const bytesOf = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)
const WIDTH = 300

const answer = (file: string, sha256: string, width: number) => {
  const session = loadProven(file, sha256, DEFAULT_SESSION)
  const data = new Float32Array(width).fill(1)
  return [...(session.run([{ datatype: 'FP32', shape: [1, width], data }])[0]?.data ?? [])]
}

test.each([
  ['a few values', 3],
  ['many values', WIDTH],
])('prove() folds external data of %s into a copy that stands alone', async (_what, width) => {
  const values = Array.from({ length: width }, (_, i) => i)
  const data = bytesOf(0, ...values)
  const subject = publish(external({ location: 'weights.bin', offset: '4' }, width), {
    'weights.bin': data,
  })
  const report = reportOf(await makeProver().prove(subject))
  expect(Object.keys(report.files)).toEqual(['model.onnx', 'weights.bin'])
  rmSync(dirname(subject.modelFile), { recursive: true })
  const wanted = values.map((value) => value + 1)
  expect(answer(report.provenFile, report.provenSha256, width)).toEqual(wanted)
})

test('prove() gives external data a part in the digest, as sha256sum prints it', async () => {
  const subject = publish(external({ location: 'b.bin' }), { 'b.bin': bytesOf(1, 2, 3) })
  const report = reportOf(await makeProver().prove(subject))
  const cwd = dirname(subject.modelFile)
  const command = 'sha256sum model.onnx b.bin | sha256sum'
  const printed = execFileSync('sh', ['-c', command], { cwd, encoding: 'utf8' })
  expect(report.digest).toBe(printed.split(' ')[0])
})

test('prove() proves again when external data has changed', async () => {
  const folder = makeTempDir()
  const subject = publish(external({ location: 'w' }), { w: bytesOf(1, 2, 3) })
  const first = reportOf(await makeProver({}, folder).prove(subject))
  const cached = makeProver({ entry: entryOf('process.exit(9)') }, folder)
  expect(await cached.prove(subject)).toEqual(first)
  writeFileSync(join(dirname(subject.modelFile), 'w'), bytesOf(4, 5, 6))
  expect(await cached.prove(subject)).toMatchObject({ code: 'PROVING_CRASHED' })
  const second = reportOf(await makeProver({}, folder).prove(subject))
  expect(second.digest).not.toBe(first.digest)
  expect(answer(second.provenFile, second.provenSha256, 3)).toEqual([5, 6, 7])
  expect(answer(first.provenFile, first.provenSha256, 3)).toEqual([2, 3, 4])
})

test('prove() is not confused by names of its own', async () => {
  for (const location of ['optimised.onnx', 'published', 'model.onnx.data']) {
    const subject = publish(external({ location }), { [location]: bytesOf(1, 2, 3) })
    const report = reportOf(await makeProver().prove(subject))
    expect(answer(report.provenFile, report.provenSha256, 3)).toEqual([2, 3, 4])
  }
})

test('prove() serves the data of a tensor itself, whatever file it names beside', async () => {
  const entry = field(13, message(field(1, 'location'), field(2, 'w')))
  const near = message(floats('far', [3], [1, 2, 3]), entry)
  const nodes = [node('Add', ['x', 'far'], ['y'])]
  const [inputs, outputs] = ['x', 'y'].map((name) => [value(name, ELEMENT.FP32, ['N', 3])])
  const stale = graph({ nodes, inputs: inputs!, outputs: outputs!, initializers: [near] })
  const subject = publish(model(stale), { w: bytesOf(100, 200, 300) })
  const report = reportOf(await makeProver().prove(subject))
  expect(answer(report.provenFile, report.provenSha256, 3)).toEqual([2, 3, 4])
  expect(Object.keys(report.files)).toEqual(['model.onnx'])
})
