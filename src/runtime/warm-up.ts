/**
 * First runs of a new session, so that no client waits for lazy initialisation: the example row of
 * the version, then the samples that its settings ask for (Triton's `model_warmup`).
 */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { PlannedVersion } from '../shared/epoch-plan.ts'
import { GatewayError } from '../shared/errors.ts'
import type { WarmupSample } from '../shared/warmup-sample.ts'
import { plainMessage } from './native-message.ts'
import { exampleInputs, stackInputs } from './proving-inputs.ts'
import type { Session } from './session-types.ts'
import { type ReadWarmupFile, sampleTensors, warmupFault } from './warm-up-tensors.ts'

const REASON_MAX = 300

/**
 * Runs samples one after the other, each as often as it says. Throws WARMUP_FAILED with the name of
 * the first that fails.
 */
export const runSamples = (
  session: Session,
  samples: readonly WarmupSample[],
  rowsMax: number,
  read: ReadWarmupFile,
): void => {
  for (const sample of samples) {
    try {
      const inputs = sampleTensors(sample, session.signature, rowsMax, read)
      for (let run = 0; run < sample.count; run++) session.run(inputs)
    } catch (thrown) {
      if (thrown instanceof GatewayError) throw thrown
      throw warmupFault(sample.name, plainMessage(thrown, REASON_MAX))
    }
  }
}

/** Copies that the proving run has made of the files of samples. */
const readCopies =
  ({ warmupFiles }: Pick<PlannedVersion, 'warmupFiles'>): ReadWarmupFile =>
  (file) => {
    const mismatch = (what: string, cause?: unknown) =>
      new GatewayError('DIGEST_MISMATCH', `The copy of '${file}' for warm-ups ${what}`, { cause })
    const copy = warmupFiles[file]
    if (copy === undefined) throw mismatch('was never made')
    let bytes: Buffer
    try {
      bytes = readFileSync(copy.path)
    } catch (cause) {
      throw mismatch('cannot be read', cause)
    }
    const found = createHash('sha256').update(bytes).digest('hex')
    if (found !== copy.sha256) throw mismatch('has changed since it was proved')
    return bytes
  }

type Warmed = Pick<
  PlannedVersion,
  'manifest' | 'exampleRow' | 'batching' | 'warmups' | 'warmupFiles'
>

/** A model that rejects the example is no failure here: the proving run has judged that. */
const runExample = (session: Session, { manifest, exampleRow, batching }: Warmed): void => {
  const row = exampleInputs(session.signature, manifest, exampleRow)
  try {
    session.run(row)
    if (batching.rowsMax > 1) session.run(stackInputs([row], batching.rowsMax))
  } catch {} // a made-up row may be out of this model's domain
}

/**
 * Runs the example row of the version (made up where it has none), then a full batch of it, then
 * its samples. Disposes of the session where one of these fails, and throws WARMUP_FAILED or
 * DIGEST_MISMATCH.
 */
export const warmUp = (session: Session, planned: Warmed): void => {
  runExample(session, planned)
  try {
    runSamples(session, planned.warmups, planned.batching.rowsMax, readCopies(planned))
  } catch (thrown) {
    session.dispose()
    throw thrown
  }
}
