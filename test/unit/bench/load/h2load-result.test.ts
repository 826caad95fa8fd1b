import { expect, test } from 'vitest'
import { parseH2load } from '../../../../bench/load/h2load-result.ts'

/** What h2load 1.52.0 printed for a second, shortened. */
const OUTPUT = `starting benchmark...
Application protocol: h2c

finished in 1.00s, 6544.00 req/s, 467.85KB/s
requests: 6544 total, 6672 started, 6544 done, 6544 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 6544 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 467.85KB (479080) total, 32.66KB (33440) headers (space savings 96.32%), 249.23KB (255216) data
`

const LOG = '1795769848001572\t200\t300\n1795769848001573\t200\t100\n1795769848001573\t200\t200\n'

test('parseH2load() reads the summary, and latencies from the log', () => {
  expect(parseH2load(OUTPUT, LOG)).toEqual({
    requests: 6544,
    seconds: 1,
    failures: 0,
    badAnswers: 0,
    latencyUs: { p50: 200, p99: 300, highest: 300 },
  })
})

test('parseH2load() takes times in any of its units', () => {
  const output = OUTPUT.replace('in 1.00s', 'in 250.50ms')
  expect(parseH2load(output, LOG).seconds).toBeCloseTo(0.2505, 9)
})

test('parseH2load() counts statuses that are errors, and calls that broke', () => {
  const output = OUTPUT.replace('0 failed, 0 errored', '9 failed, 4 errored').replace(
    '0 4xx, 0 5xx',
    '3 4xx, 2 5xx',
  )
  expect(parseH2load(output, LOG)).toMatchObject({ failures: 9, badAnswers: 5 })
})

test('parseH2load() takes no call for a failure whose status came as the time was over', () => {
  const output = OUTPUT.replace('6544 2xx', '6624 2xx')
  expect(parseH2load(output, LOG)).toMatchObject({ requests: 6544, failures: 0 })
})

test('parseH2load() refuses output without a summary, and a run without an answer', () => {
  expect(() => parseH2load('Could not connect', '')).toThrow('no result')
  const silent = OUTPUT.replace('6544 done', '0 done')
  expect(() => parseH2load(silent, '')).toThrow('not answered')
})
