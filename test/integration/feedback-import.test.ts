/** `sluice feedback import`, beside servers that take labels, refuse them, or are gone. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import { MAIN, plainEnv, sluice, startServer } from '../helpers/cli.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

interface Item {
  readonly request_id: string
  readonly label: unknown
}

type Answer = (items: Item[], request: IncomingMessage, response: ServerResponse) => void

/** A data plane that has its items judged. */
const startPlane = (answer: Answer): Promise<string> =>
  startServer(async (request, response) => {
    answer((await json(request)) as Item[], request, response)
  })

const refuse = (response: ServerResponse, status: number, body: object, more: object = {}) => {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...more })
  response.end(JSON.stringify(body))
}

const accept = (response: ServerResponse, count: number) =>
  void response.writeHead(202).end(JSON.stringify({ accepted: count }))

/** A file with labels 0, 1, 2 ... of as many requests. */
const writeLabels = (count: number): string => {
  const file = join(makeTempDir('labels'), 'labels.csv')
  const rows = Array.from({ length: count }, (_, index) => `r${index},${index}\n`)
  writeFileSync(file, `request_id,label\n${rows.join('')}`)
  return file
}

const run = (url: string, file: string, ...flags: readonly string[]) =>
  sluice(['feedback', 'import', file, '--url', url, ...flags])

test('an import sends all rows in batches, with the key', async () => {
  const labels: unknown[] = []
  const sizes: number[] = []
  const keyFile = join(makeTempDir('key'), 'key')
  writeFileSync(keyFile, 'secret\n')
  const url = await startPlane((items, request, response) => {
    expect(request.url).toBe('/feedback')
    expect(request.headers['authorization']).toBe('Bearer secret')
    sizes.push(items.length)
    labels.push(...items.map(({ label }) => label))
    accept(response, items.length)
  })
  const result = await run(url, writeLabels(2500), '--key-file', keyFile)
  expect(result).toMatchObject({ code: 0, stdout: '✔ 2,500 taken\n', stderr: '' })
  expect(sizes).toEqual([1000, 1000, 500])
  expect(labels).toEqual(Array.from({ length: 2500 }, (_, index) => index))
})

test('rows that are not taken are put aside, and all others are sent', async () => {
  const taken: unknown[] = []
  const isBad = ({ label }: Item) => Number(label) % 100 === 7
  const url = await startPlane((items, _, response) => {
    const bad = [...items.entries()].filter(([, item]) => isBad(item)).slice(0, 2)
    if (bad.length === 0) {
      taken.push(...items.map(({ label }) => label))
      accept(response, items.length)
      return
    }
    const errors = bad.map(([index]) => ({ pointer: `/${index}/label`, detail: 'too bad' }))
    refuse(response, 400, { code: 'FEEDBACK_INVALID', detail: 'bad', errors })
  })
  const file = writeLabels(500)
  writeFileSync(file, `${readFileSync(file, 'utf8')}r500,\n`)
  const result = await run(url, file, '--json')
  expect(result).toMatchObject({ code: 3, stderr: '' })
  expect(JSON.parse(result.stdout)).toEqual({
    ...{ taken: 495, rejected: 6, rejected_file: `${file}.rejected.csv`, next_line: null },
  })
  expect(taken).toHaveLength(495)
  expect(readFileSync(`${file}.rejected.csv`, 'utf8').split('\n')).toEqual([
    'line,reason,request_id,label',
    ...[7, 107, 207, 307, 407].map((label) => `${label + 2},too bad,r${label},${label}`),
    '502,no label,r500,""',
    '',
  ])
})

test('what may pass is waited for, and what was recorded is not sent again', async () => {
  const labels: unknown[] = []
  const refusals = [
    (response: ServerResponse) => refuse(response, 429, { code: 'RATE_LIMITED', detail: 'slower' }),
    (response: ServerResponse) => void response.destroy(),
  ]
  let isFull = true
  const url = await startPlane((items, _, response) => {
    if (labels.length === 0) {
      labels.push(items[0]?.label)
      const errors = [{ pointer: '/1', detail: 'no room' }]
      const body = { code: 'RECORD_UNAVAILABLE', detail: 'full', errors }
      refuse(response, 503, body, { 'retry-after': '0' })
      return
    }
    const refusal = refusals.shift()
    if (refusal !== undefined) {
      refusal(response)
      return
    }
    isFull = false
    labels.push(...items.map(({ label }) => label))
    accept(response, items.length)
  })
  const result = await run(url, writeLabels(5))
  const stderr = '⚠ full; trying again\n' // said once, however long it takes
  expect(result).toMatchObject({ code: 0, stdout: '✔ 5 taken\n', stderr })
  expect({ labels, isFull }).toEqual({ labels: [0, 1, 2, 3, 4], isFull: false })
})

test('an import that cannot go on says where it stopped', async () => {
  let batches = 0
  const url = await startPlane((items, _, response) => {
    if (++batches === 2) refuse(response, 401, { code: 'KEY_REQUIRED', detail: 'no such key' })
    else accept(response, items.length)
  })
  const file = writeLabels(1500)
  const result = await run(url, file)
  expect(result).toMatchObject({ code: 3, stdout: '⚠ 1,000 taken\n' })
  expect(result.stderr).toContain(`go on by sluice feedback import ${file} --from-line 1002\n`)
  expect(result.stderr).toMatch(/✖ KEY_REQUIRED: no such key\n/)
  const rest = await run(url, file, '--from-line', '1002', '--json')
  expect(JSON.parse(rest.stdout)).toMatchObject({ taken: 500, next_line: null })
})

test('rows that are no CSV cost no others, and each is sent once, however often it goes on', async () => {
  const taken: string[] = []
  let batches = 0
  const url = await startPlane((items, _, response) => {
    if (++batches % 2 === 0) refuse(response, 401, { code: 'KEY_REQUIRED', detail: 'no such key' })
    else {
      taken.push(...items.map(({ request_id }) => request_id))
      accept(response, items.length)
    }
  })
  const broken = ['b,"never closed', `b,${'x'.repeat(70_000)}`, 'b,1"2', '"b,1', 'b']
  const good = (part: number) => Array.from({ length: 700 }, (_, row) => `r${part}.${row},"1\n2"`)
  const rows = broken.flatMap((line, part) => [...good(part), line])
  const file = join(makeTempDir('labels'), 'labels.csv')
  writeFileSync(
    file,
    Buffer.from(`request_id,label\r\n${rows.join('\r\n')}\r\nb,caf\xe9`, 'latin1'),
  )
  let line = 1
  for (let next: number | null = line, times = 0; next !== null && times < 10; times++) {
    line = next
    const result = await run(url, file, '--json', '--from-line', `${line}`)
    expect(result.code).toBe(3)
    next = JSON.parse(result.stdout).next_line
    expect(next ?? line + 1).toBeGreaterThan(line)
  }
  expect(taken).toEqual(rows.filter((row) => row.startsWith('r')).map((row) => row.split(',')[0]))
  const aside = readFileSync(`${file}.rejected.csv`, 'utf8')
  expect(aside.match(/^\d+,[^,]*/gm)).toEqual([
    '1402,a quote is not closed',
    expect.stringMatching(/^2803,"70/),
    '4204,a quote inside of a value without quotes',
    '5605,a quote is not closed',
    '7006,1 value for 2 columns',
    '7007,it is no UTF-8: save the file in UTF-8',
  ])
  const again = await run(url, `${file}.rejected.csv`, '--json')
  expect(JSON.parse(again.stdout)).toMatchObject({ taken: 0, rejected: 6, next_line: null })
})

test('Ctrl-C stops it behind what is recorded', async () => {
  const url = await startPlane((_, __, response) => {
    refuse(response, 503, { code: 'QUEUE_FULL', detail: 'full' }, { 'retry-after': '30' })
  })
  const [program, main] = MAIN
  const args = [main, 'feedback', 'import', writeLabels(3), '--url', url, '--json']
  const child = spawn(program, args, { env: plainEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
  atEnd(() => void child.kill('SIGKILL'))
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk) => {
      said[name] += chunk
    })
  }
  await until(() => said.stderr.includes('trying again'), { what: 'the wait' })
  child.kill('SIGINT')
  expect(await once(child, 'close')).toEqual([130, null])
  expect(JSON.parse(said.stdout)).toMatchObject({ taken: 0, next_line: 2 })
})

test('what cannot be read or reached is said at once', async () => {
  const url = await startServer((_, response) => void response.end())
  const gone = await run(url, 'gone.csv')
  expect(gone).toMatchObject({ code: 3, stdout: '' })
  expect(gone.stderr).toMatch(/^✖ FILE_INVALID: Cannot read gone\.csv: no such file\n/)
  const stdin = await sluice(['feedback', 'import', '-', '--url', url], { stdin: 'a,label\n' })
  expect(stdin.stderr).toMatch(/^✖ FILE_INVALID: stdin:1 {2}unknown column "a"/)
  const nobody = await run('http://127.0.0.1:1', writeLabels(1))
  expect(nobody.code).toBe(4)
  expect(nobody.stderr).toMatch(/✖ REPLICAS_UNREACHABLE: Nobody answers at http:\/\/127\.0\.0\.1:1/)
  const misuse = await run(url, 'x.csv', '--from-line', '0')
  expect(misuse).toMatchObject({ code: 2, stdout: '' })
})
