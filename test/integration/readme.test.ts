/** What the READMEs tell a stranger to type is typed here. */

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { sluice } from '../helpers/cli.ts'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { writeTree } from '../helpers/repository.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const read = (path: string): string => readFileSync(at(path), 'utf8')

const README = read('README.md')

/** Path and body of the first `curl` of a page that sends something. */
const curlOf = (page: string): { path: string; body: string } => {
  const found =
    /curl -s http:\/\/127\.0\.0\.1:8000(\/\S+)[^']*(?:'content[^']*' )?-d '([^']+)'/.exec(page)
  return { path: found?.[1] ?? '', body: found?.[2] ?? '' }
}

/** Words of a line, some of them between quotes. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word)

/** Arguments of every `npx sluice` in the code blocks of a page. */
const commandsOf = (page: string): string[][] =>
  [...page.matchAll(/^npx sluice (.+?)\s*(?:#.*)?$/gm)].map(([, line = '']) => wordsOf(line))

let example: TestGateway
let recordsPath: string

beforeAll(async () => {
  const { scripts } = JSON.parse(read('package.json'))
  const config = /--config (\S+)/.exec(scripts.start)?.[1] ?? ''
  recordsPath = join(makeTempDir('records'), 'records')
  const env = { SLUICE_RECORDS__PATH: recordsPath }
  example = await startGateway({ config: at(config), hasRecords: true, env })
})

test('README.md: the curl gets the answer that stands below it', async () => {
  const { path, body } = curlOf(README)
  const response = await example.post(path, body)
  expect(response.status).toBe(200)
  const answer = await response.json()
  const shown = JSON.parse(/```json\n([\s\S]+?)```/.exec(README)?.[1] ?? '')
  expect(answer).toMatchObject({ prediction: shown.prediction })
  expect(Object.keys(answer as object)).toEqual(Object.keys(shown))
  const { metadata, score } = answer as typeof shown
  expect(score).toBeCloseTo(shown.score, 6)
  expect(Object.keys(metadata)).toEqual(Object.keys(shown.metadata))
  const { model, version, variant } = shown.metadata
  expect(metadata).toMatchObject({ model, version, variant })
})

test('README.md: the row of the example is that of the curl', () => {
  expect(JSON.parse(read('examples/flight-delay/row.json'))).toEqual(
    JSON.parse(curlOf(README).body),
  )
})

test('README.md: the rows of TensorFlow Serving get a prediction', async () => {
  const { path, body } = curlOf(README.slice(README.indexOf('## Clients of other servers')))
  expect(path).toBe('/v1/models/flight-delay:predict')
  const response = await example.post(path, body)
  const { predictions } = (await response.json()) as { predictions: unknown[] }
  expect(predictions).toEqual([
    { label: 0, probabilities: [expect.any(Number), expect.any(Number)] },
  ])
})

/** What the output of a verb has that does not name the endpoint. */
const SAID: Readonly<Record<string, string>> = { restart: 'replaced', key: 'sha256' }

test('README.md: the commands beside the example do what they say', async () => {
  const cwd = at('')
  const env = { SLUICE_SERVER: example.controlUrl }
  const verbs = commandsOf(README).filter(([verb = '']) => !/^(check|serve|records)$/.test(verb))
  expect(verbs.map(([verb]) => verb)).toEqual(['status', 'restart', 'models', 'predict', 'key'])
  for (const verb of verbs) {
    const said = SAID[verb[0]!] ?? 'flight-delay'
    const stdout = expect.stringContaining(said)
    expect(await sluice(verb, { cwd, env })).toMatchObject({ code: 0, stdout })
  }
})

test('README.md: the verbs of records say what was predicted', async () => {
  const env = { SLUICE_RECORDS__PATH: recordsPath, SLUICE_STATE_DIR: example.stateDir }
  const config = /SLUICE_CONFIG=(\S+)/.exec(README)?.[1] ?? ''
  expect((await example.post('/predict', { features: FLIGHT })).status).toBe(200)
  const verbs = commandsOf(README).filter(([verb]) => verb === 'records')
  expect(verbs.map(([, verb]) => verb)).toEqual(['query', 'tail', 'verify'])
  const run = (verb: readonly string[]) =>
    sluice(verb, { env: { ...env, SLUICE_CONFIG: at(config) } })
  const [query = [], tail = [], verify = []] = verbs
  expect(await run(query)).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nanswer +1 /) })
  const stderr = expect.stringContaining('no such records')
  expect(await run(tail)).toMatchObject({ code: 0, stdout: '', stderr })
  expect(await run(verify)).toMatchObject({ code: 0, stdout: expect.stringContaining('✔') })
})

test('docs/guides/records.md: the settings that it shows are valid', async () => {
  const cwd = makeTempDir('guide')
  const yaml = /```yaml\n([\s\S]+?)```/.exec(read('docs/guides/records.md'))?.[1] ?? ''
  writeFileSync(join(cwd, 'sluice.yaml'), `model_repository: ./models\n${yaml}`)
  writeFileSync(join(cwd, 'hmac.key'), 'k'.repeat(64), { mode: 0o600 })
  mkdirSync(join(cwd, 'models'))
  const { stdout, stderr } = await sluice(['check', '--json'], { cwd })
  const { problems } = JSON.parse(stdout || stderr) as { problems: { message: string }[] }
  // Endpoints of somebody who has some.
  const others = problems.filter(({ message }) => !message.endsWith(' is no endpoint'))
  expect(others).toEqual([])
})

test('README.md: check and serve take the repository that is drawn there', async () => {
  const cwd = makeTempDir('readme')
  const model = scaleAdd()
  const sha256 = createHash('sha256').update(model).digest('hex')
  writeTree(join(cwd, 'models/credit-risk'), {
    '1/model.onnx': model,
    '2/model.onnx': model,
    '2/manifest.json': { format: { name: 'sluice-manifest', version: 1 }, digest: sha256 },
    'aliases.json': { champion: 1 },
    'model.yaml': 'max_batch_size: 8\n',
  })
  const [check = [], serve = [], scraped = []] = commandsOf(README).filter(([verb = '']) =>
    /^(check|serve)$/.test(verb),
  )
  expect(await sluice(check, { cwd })).toMatchObject({ code: 0 })
  expect(serve).toEqual(['serve', '--model-repository', 'models'])
  // Its port may be taken: it is checked only.
  expect(scraped.join(' ')).toBe(`${serve.join(' ')} --metrics-listen 0.0.0.0:8003`)
  expect(await sluice(['check', ...scraped.slice(1)], { cwd })).toMatchObject({ code: 0 })
  const gateway = await startGateway({ repository: join(cwd, 'models') })
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }]
  const infer = await gateway.post('/v2/models/credit-risk/infer', { inputs })
  expect(await infer.json()).toMatchObject({ model_version: '1', outputs: [{ data: [3, 5, 7] }] })
  const predict = await gateway.post('/predict', { features: { x: [1, 2, 3] } })
  expect(await predict.json()).toMatchObject({ outputs: {}, metadata: { version: 1 } })
  rmSync(join(cwd, 'models/credit-risk/aliases.json'))
  gateway.reload()
  await until(
    async () => {
      const answer = await gateway.post('/predict', { features: { x: [1, 2, 3] } })
      return answer.headers.get('x-sluice-version') === '2'
    },
    { what: 'the highest version to answer, since no alias names another' },
  )
})

test('examples/flight-delay/README.md: the curl gets a score', async () => {
  const { path, body } = curlOf(read('examples/flight-delay/README.md'))
  const response = await example.post(path, body)
  expect(response.status).toBe(200)
  const { score } = (await response.json()) as { score: number }
  expect(score).toBeGreaterThan(0)
  expect(score).toBeLessThan(1)
})

test('examples/flight-delay: data and models are what their digests say', () => {
  const data = 'examples/flight-delay/data'
  const sums = read(`${data}/SHA256SUMS`).trim().split('\n')
  expect(sums.length).toBeGreaterThan(4)
  const digestOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  for (const sum of sums) {
    const [, digest, name] = /^([0-9a-f]{64}) {2}(\S+)$/.exec(sum) ?? []
    expect(`${name} ${digestOf(at(`${data}/${name}`))}`).toBe(`${name} ${digest}`)
  }
  for (const version of ['1', '2']) {
    const folder = join(EXAMPLE_REPOSITORY, 'flight-delay', version)
    const { digest } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
    expect(digestOf(join(folder, 'model.onnx'))).toBe(digest)
  }
})
