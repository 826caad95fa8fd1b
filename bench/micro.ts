/**
 * Nanoseconds of single operations. Each case runs in a process of its own, so that none runs code
 * that another has compiled; its result carries a hash of what it computed, which does not change
 * when an operation is merely made faster.
 */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { casesOf, type MicroResult, NUMBER_NS_MAX } from './measure/micro-case.ts'
import { firstJsonLine, start } from './measure/processes.ts'
import type { BenchOptions } from './options.ts'
import { writeResult } from './result-file.ts'

const CASES = fileURLToPath(new URL('./cases/', import.meta.url))
const RUNNER = fileURLToPath(new URL('./micro-process.ts', import.meta.url))
const PROFILES = fileURLToPath(new URL('./.profiles/', import.meta.url))

interface Place {
  readonly file: string
  readonly index: number
  readonly name: string
}

const findCases = async (patterns: readonly string[]): Promise<Place[]> => {
  const places: Place[] = []
  const files = readdirSync(CASES).filter((name) => name.endsWith('.ts'))
  for (const file of files.sort().map((name) => join(CASES, name))) {
    const cases = casesOf(await import(pathToFileURL(file).href))
    places.push(...cases.map(({ name }, index) => ({ file, index, name })))
  }
  const wanted = patterns.map((pattern) => new RegExp(pattern, 'i'))
  return places.filter(
    ({ name }) => wanted.length === 0 || wanted.some((pattern) => pattern.test(name)),
  )
}

const runCase = async (place: Place, options: BenchOptions): Promise<MicroResult> => {
  const profile = `${place.name.replaceAll(/[^a-z0-9]+/gi, '-')}.cpuprofile`
  const flags = ['--cpu-prof', `--cpu-prof-dir=${PROFILES}`, `--cpu-prof-name=${profile}`]
  const words = [RUNNER, place.file, String(place.index), options.isTiny ? 'tiny' : 'full']
  const command = [process.execPath, ...(options.isProfile ? flags : []), ...words]
  const child = start(command, { core: 'server' })
  const ended = new Promise((resolve) => child.once('close', resolve))
  const result = await firstJsonLine(child)
  await ended // a profile is written at the end
  return result as unknown as MicroResult
}

const isMet = ({ numberNs }: MicroResult): boolean => numberNs === null || numberNs <= NUMBER_NS_MAX

const judgement = (result: MicroResult): string => {
  if (result.numberNs === null) return ''
  const verdict = isMet(result) ? 'ok' : 'FAILED'
  return `  ${verdict} ${result.numberNs.toFixed(1)} ns a number (at most ${NUMBER_NS_MAX})`
}

/**
 * False when no case has such a name, or numbers take longer than they may; a case that throws ends
 * the benchmark.
 */
export const runMicro = async (options: BenchOptions): Promise<boolean> => {
  const results: MicroResult[] = []
  console.log(`${'case'.padEnd(56)}${'ns/op'.padStart(10)}${'median'.padStart(10)}  work`)
  for (const place of await findCases(options.patterns)) {
    const result = await runCase(place, options)
    const columns = [result.lowestNs, result.medianNs].map((ns) => ns.toFixed(1).padStart(10))
    console.log(`${result.name.padEnd(56)}${columns.join('')}  ${result.work}${judgement(result)}`)
    results.push(result)
  }
  if (options.isProfile) console.log(`profiles are in ${PROFILES}`)
  if (results.length === 0) console.log('no case has such a name')
  writeResult(options, { cases: results })
  return results.length > 0 && (options.isTiny || results.every(isMet))
}
