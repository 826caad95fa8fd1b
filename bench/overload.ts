/**
 * Ten times more requests than can be served: what becomes of those that can. An open loop with
 * Poisson arrivals and a deadline of 50 ms asks a model of 1 ms a row, beside the same gateway with
 * all its bounds raised, whose clients send no deadline: what shedding is worth. Draws
 * docs/overload.svg.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { printGates } from './measure/gate.ts'
import { describeCommit, describeMachine } from './measure/machine.ts'
import { isPinned, REPOSITORY_ROOT } from './measure/processes.ts'
import type { BenchOptions } from './options.ts'
import { CAPPED_LOADS, type CappedTrial, runCapped } from './overload/capped.ts'
import { drawOverload } from './overload/draw.ts'
import { CONTROL, findingsOf, type Measured } from './overload/findings.ts'
import {
  capacityOf,
  type LevelTrial,
  type RecoveryTrial,
  runLevel,
  runRecovery,
  runSpike,
  type SpikeTrial,
  type Subject,
} from './overload/open-trials.ts'
import { PLACEMENTS, type Placement, startWorld, type World } from './overload/world.ts'
import { writeResult } from './result-file.ts'

const WHERE =
  'gateways on core 0, load on core 1; where the model is pooled, only compute threads are on core 0'
const PICTURE = 'docs/overload.svg'
const LOADS = [0.8, 1, 2, 5, 10]
const ROUNDS_MAX = 5
const SECONDS_TINY = 0.5
/** The server that sheds nothing shows the same every time. */
const CONTROL_ROUNDS_MAX = 2

const noteLevel = (trial: LevelTrial): void => {
  const { name, load, due, good, refused, late, missed, failed, lagMs, goodMs } = trial
  const lag = `sent ${lagMs.p99.toFixed(2)} ms late at p99`
  console.log(
    `  ${name} x${load}: ${trial.goodPerSecond.toFixed(0)} good/s of ${(trial.rowUs / 1000).toFixed(2)} ms; of ${due} ${good} good, ${refused} refused, ${late} late, ${missed} unsent, ${failed} failed; p99 ${goodMs.p99.toFixed(1)} ms; ${lag}`,
  )
}

/** The one high-priority and low-priority model shares the capacity of the pooled one. */
const spikeSubject = (subjects: readonly Subject[]): Subject => ({
  ...subjects[0]!,
  name: 'levels',
  model: 'levels',
})

const measure = async (options: BenchOptions, world: World): Promise<Measured> => {
  const seconds = options.isTiny ? SECONDS_TINY : options.seconds
  const rounds = Math.min(ROUNDS_MAX, options.rounds)
  const subjectOf = async (placement: Placement, isControl: boolean): Promise<Subject> => {
    const name = isControl ? CONTROL : placement
    const server = isControl ? world.control : world[placement]
    const capacity = await capacityOf(server, placement, seconds)
    console.log(`  ${name}: ${capacity.toFixed(0)} requests a second in a closed loop`)
    return { name, server, model: placement, placement, isControl, capacity }
  }
  const levels: LevelTrial[] = []
  const recoveries: RecoveryTrial[] = []
  const spikes: SpikeTrial[] = []
  const capped: CappedTrial[] = []
  for (let round = 1; round <= rounds; round++) {
    console.log(`round ${round} of ${rounds}`)
    const subjects: Subject[] = []
    for (const placement of PLACEMENTS) subjects.push(await subjectOf(placement, false))
    if (round <= CONTROL_ROUNDS_MAX) subjects.push(await subjectOf('pooled', true))
    for (const load of options.isTiny ? [1, 10] : LOADS) {
      for (const subject of subjects) {
        const trial = await runLevel(subject, load, seconds, round)
        noteLevel(trial)
        levels.push(trial)
      }
    }
    for (const subject of subjects) recoveries.push(await runRecovery(subject, seconds, round))
    spikes.push(await runSpike(spikeSubject(subjects), seconds, round))
    for (const load of options.isTiny ? [1, 10] : CAPPED_LOADS) {
      capped.push(await runCapped(world.capped, load, seconds))
    }
  }
  return { levels, recoveries, spikes, capped }
}

/** False when a number of bench/README.md is missed. */
export const runOverload = async (options: BenchOptions): Promise<boolean> => {
  const world = await startWorld()
  try {
    const measured = await measure(options, world)
    const { gates, lines } = findingsOf(measured)
    const { cpu, cores, node, kernel } = describeMachine()
    console.log(`\n${cores} x ${cpu}, node ${node}, kernel ${kernel}, commit ${describeCommit()}`)
    console.log(isPinned ? WHERE : 'no process is bound to a core')
    for (const line of lines) console.log(line)
    printGates(gates)
    if (!options.isTiny) writeFileSync(join(REPOSITORY_ROOT, PICTURE), drawOverload(measured))
    writeResult(options, { isPinned, gates, ...measured })
    return options.isTiny || gates.every(({ isMet }) => isMet)
  } finally {
    await world.stop()
  }
}
