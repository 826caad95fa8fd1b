import { expect, test } from 'vitest'
import { parseWrk } from '../../../../bench/load/wrk-result.ts'

/** What wrk 4.1.0 printed with post.lua, shortened. */
const OUTPUT = `Running 1s test @ http://127.0.0.1:40139/
  1 threads and 16 connections
  Latency Distribution
     50%  139.00us
     99%  310.00us
  107210 requests in 1.10s, 25.46MB read
Requests/sec:  97467.11
Transfer/sec:     23.15MB

{"requests":107210,"durationUs":1099961,"status":0,"connect":0,"read":0,"write":0,"timeout":0,"p50Us":139,"p99Us":310,"maxUs":2230}
`

test('parseWrk() reads the line of post.lua', () => {
  expect(parseWrk(OUTPUT)).toEqual({
    requests: 107210,
    seconds: 1.099961,
    failures: 0,
    badAnswers: 0,
    latencyUs: { p50: 139, p99: 310, highest: 2230 },
  })
})

test('parseWrk() adds up answers that were errors and connections that broke', () => {
  const output = OUTPUT.replace(
    '"status":0,"connect":0,"read":0',
    '"status":5,"connect":1,"read":2',
  )
  expect(parseWrk(output)).toMatchObject({ failures: 8, badAnswers: 5 })
})

test('parseWrk() refuses output without the line, and a run without an answer', () => {
  expect(() => parseWrk('unable to connect to 127.0.0.1:1 Connection refused')).toThrow('no result')
  expect(() => parseWrk(OUTPUT.replace('"requests":107210', '"requests":0'))).toThrow(
    'not answered',
  )
})
