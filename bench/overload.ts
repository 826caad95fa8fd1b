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
import { CONTROL, findingsOf, goodOfLoop, type Measured } from './overload/findings.ts'
import {
  type LevelTrial,
  type RecoveryTrial,
  runLevel,
  runRecovery,
  runSpike,
  type SpikeTrial,
  type Subject,
} from './overload/open-trials.ts'
import { PLACEMENTS, startWorld, type World } from './overload/world.ts'
import { type CoreSpeed, probeCoreSpeed } from './peers/core-speed.ts'
import { writeResult } from './result-file.ts'

const WHERE =
  'gateways on core 0, load on core 1; where the model is pooled, only compute threads are on core 0'
const PICTURE = 'docs/overload.svg'
const LOADS = [0.8, 1, 2, 5, 10]
const ROUNDS_MAX = 5
const SECONDS_TINY = 0.5
const SECONDS_WARM_UP = 1
/** Enough to see that it comes to nothing. */
const CONTROL_ROUNDS_MAX = 3
/** Numbers of a row of the slow model. */
const WIDTH = 2

const noteLevel = (trial: LevelTrial): void => {
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

const measure = async (options: BenchOptions, world: World, core: CoreSpeed): Promise<Measured> => {
  const seconds = options.isTiny ? SECONDS_TINY : options.seconds
  const rounds = Math.min(ROUNDS_MAX, options.rounds)
  const levels: LevelTrial[] = []
  const recoveries: RecoveryTrial[] = []
  const spikes: SpikeTrial[] = []
  const capped: CappedTrial[] = []
  // A gateway that has just started compiles what it runs for the first time.
  for (const subject of subjectsOf(world, 1)) {
    await runLevel(subject, 2, { capacity: core.now(), seconds: SECONDS_WARM_UP, seed: 0 }, core)
  }
  for (let seed = 1; seed <= rounds; seed++) {
    console.log(`round ${seed} of ${rounds}; the plain loop: ${core.now().toFixed(0)} rows/s`)
    const terms = () => ({ capacity: core.now(), seconds, seed })
    const subjects = subjectsOf(world, seed)
    for (const load of options.isTiny ? [1, 10] : LOADS) {
      for (const subject of subjects) {
        levels.push(await runLevel(subject, load, terms(), core))
        noteLevel(levels.at(-1)!)
      }
    }
    for (const subject of subjects) recoveries.push(await runRecovery(subject, terms, core))
    const levelled = { name: 'levels', model: 'levels', server: world.pooled, isControl: false }
    spikes.push(await runSpike(levelled, terms()))
    for (const load of options.isTiny ? [10] : CROWDS) {
      capped.push(await runCapped(world.capped, load, seconds, core))
    }
  }
  return { levels, recoveries, spikes, capped }
}

/** False when a number of bench/README.md is missed. */
export const runOverload = async (options: BenchOptions): Promise<boolean> => {
  const world = await startWorld()
  let core: CoreSpeed | null = null
  try {
    core = await probeCoreSpeed({ file: world.modelFile, width: WIDTH })
    const measured = await measure(options, world, core)
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
    await core?.stop()
    await world.stop()
  }
}
