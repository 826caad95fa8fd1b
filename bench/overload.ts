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
import { type CappedTrial, CROWDS, runCapped } from './overload/capped.ts'
import { drawOverload } from './overload/draw.ts'
import {
  CONTROL,
  findingsOf,
  goodOfLoop,
  type Measured,
  type RatedTrial,
} from './overload/findings.ts'
import {
  type RecoveryTrial,
  runLevel,
  runRecovery,
  runSpike,
  type SpikeTrial,
  type Subject,
} from './overload/open-trials.ts'
import { PLACEMENTS, startWorld, type World } from './overload/world.ts'
import { runPlainLoop } from './peers/plain-loop.ts'
import { writeResult } from './result-file.ts'

const WHERE =
  'gateways on core 0, load on core 1; where the model is pooled, only compute threads are on core 0'
const PICTURE = 'docs/overload.svg'
const LOADS = [0.8, 1, 2, 5, 10]
const ROUNDS_MAX = 5
const SECONDS_TINY = 0.5
/** Enough to see that it comes to nothing. */
const CONTROL_ROUNDS_MAX = 3
/** As many rows as a batch of the model may have, and numbers of a row. */
const LOOP = { rows: 8, width: 2, seconds: 0.5 }

const noteLevel = (trial: RatedTrial): void => {
  const { name, load, due, good, refused, late, missed, failed, lagMs, goodMs } = trial
  const lag = `sent ${lagMs.p99.toFixed(2)} ms late at p99`
  const share = `${trial.goodPerSecond.toFixed(0)} good/s, ${goodOfLoop(trial).toFixed(2)} of the loop`
  console.log(
    `  ${name} x${load}: ${share}; of ${due} ${good} good, ${refused} refused, ${late} late, ${missed} unsent, ${failed} failed; p99 ${goodMs.p99.toFixed(1)} ms; ${lag}`,
  )
}

const subjectsOf = (world: World, round: number): Subject[] => {
  const ours = PLACEMENTS.map((name) => ({
    ...{ name, model: name, server: world[name], isControl: false },
  }))
  const control = { name: CONTROL, model: 'pooled', server: world.control, isControl: true }
  return round <= CONTROL_ROUNDS_MAX ? [...ours, control] : ours
}

const measure = async (options: BenchOptions, world: World): Promise<Measured> => {
  const seconds = options.isTiny ? SECONDS_TINY : options.seconds
  const rounds = Math.min(ROUNDS_MAX, options.rounds)
  const loopRate = async (): Promise<number> => {
    const { rowsPerSecond } = await runPlainLoop({ file: world.modelFile, ...LOOP })
    return rowsPerSecond
  }
  const levels: RatedTrial[] = []
  const recoveries: RecoveryTrial[] = []
  const spikes: SpikeTrial[] = []
  const capped: CappedTrial[] = []
  for (let round = 1; round <= rounds; round++) {
    let capacity = await loopRate()
    console.log(`round ${round} of ${rounds}; the plain loop: ${capacity.toFixed(0)} rows/s`)
    const subjects = subjectsOf(world, round)
    for (const load of options.isTiny ? [1, 10] : LOADS) {
      for (const subject of subjects) {
        const trial = await runLevel(subject, load, { capacity, seconds, seed: round })
        const after = await loopRate()
        levels.push({ ...trial, loopPerSecond: (capacity + after) / 2 })
        noteLevel(levels.at(-1)!)
        capacity = after
      }
    }
    for (const subject of subjects) {
      const terms = { capacity: await loopRate(), seconds, seed: round }
      recoveries.push(await runRecovery(subject, terms))
    }
    const levelled = { name: 'levels', model: 'levels', server: world.pooled, isControl: false }
    const terms = { capacity: await loopRate(), seconds, seed: round }
    spikes.push(await runSpike(levelled, terms))
    for (const load of options.isTiny ? [10] : CROWDS) {
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
