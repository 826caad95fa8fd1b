import { expect, test } from 'vitest'
import { loadProven } from '../../src/runtime/load-proven.ts'
import { exampleInputs } from '../../src/runtime/proving-inputs.ts'
import { DEFAULT_SESSION, onCpu, type SessionSettings } from '../../src/shared/session-settings.ts'
import { mlp, scaleAdd } from '../helpers/models.ts'
import { entryOf, makeProver, publish, reportOf } from '../helpers/prover.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const NEVER = entryOf('process.exit(9)')

/** On a GPU that no machine has. */
const onGpu = (isRequired: boolean): SessionSettings => ({
  ...{ ...DEFAULT_SESSION, providers: ['cuda', 'cpu'] },
  cuda: { deviceIds: [127], isRequired, memoryBytesMax: null },
})

test('prove() refuses a GPU that this machine lacks, where there must be one, and says so', async () => {
  const result = await makeProver().prove({ ...publish(scaleAdd()), session: onGpu(true) })
  expect(result).toMatchObject({
    code: 'PROVIDER_UNAVAILABLE',
    detail: expect.stringMatching(/^ONNX Runtime cannot use cuda here, on GPU 127: /),
  })
})

test('prove() has the CPU run what asks for a GPU that is not there, and warns', async () => {
  const folder = makeTempDir()
  const subject = { ...publish(mlp()), session: onGpu(false) }
  const report = reportOf(await makeProver({}, folder).prove(subject))
  expect(report).toMatchObject({
    gpu: { use: 'unavailable', operators: null, memoryBytes: null },
    batchingAgrees: true,
    warnings: [
      expect.stringMatching(/^it asks for a GPU and runs on the CPU: ONNX Runtime cannot use cuda/),
    ],
  })
  const proven = loadProven(report.provenFile, report.provenSha256, onCpu(subject.session))
  expect(proven.run(exampleInputs(proven.signature, null, null))[0]?.data).toHaveLength(1)
  proven.dispose()
  // What is missing may be there the next time.
  const again = await makeProver({ entry: NEVER }, folder).prove(subject)
  expect(again).toMatchObject({ code: 'PROVING_CRASHED' })
})
