/** Process of one micro case: `node bench/micro-process.ts FILE INDEX tiny|full`. */

import { pathToFileURL } from 'node:url'
import { casesOf, measureCase } from './measure/micro-case.ts'

const [file = '', index = '0', size = 'full'] = process.argv.slice(2)
const wanted = casesOf(await import(pathToFileURL(file).href))[Number(index)]
if (wanted === undefined) throw new RangeError(`${file} has no case ${index}`)
const [samples, sampleMs] = size === 'tiny' ? [3, 1] : [31, 10]
const result = measureCase(wanted, { samples, sampleMs, monotonic: () => performance.now() })
console.log(JSON.stringify(result))
