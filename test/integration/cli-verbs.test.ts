/** The verbs of `sluice` beside a running gateway. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { type CliOptions, MAIN, plainEnv, sluice, startServer } from '../helpers/cli.ts'
import { copyExample, EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const ESCAPE = '\u001b['
const ROW = JSON.stringify(FLIGHT)

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
})

/** A verb that finds the gateway by its variable. */
const ask = (args: readonly string[], options: CliOptions = {}) =>
  sluice(args, { ...options, env: { SLUICE_SERVER: gateway.controlUrl, ...options.env } })

test('status shows replicas and endpoints', async () => {
  const { code, stdout, stderr } = await ask(['status'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  // A slow proving run makes an epoch of its own.
  expect(stdout).toMatch(/✔ ready {2}epoch [1-9]/)
  expect(stdout).toContain(`predict ${gateway.httpUrl}/predict `)
  expect(stdout.match(/✔ serving/g)).toHaveLength(2)
  expect(stdout).toMatch(/ENDPOINT +VARIANT +VERSION +WEIGHT +REQUESTS +REFUSED +FAILED +P50 +P99/)
  expect(stdout).toMatch(/flight-delay +v1 +1 +100\.00 % /)
})

test('models shows every version', async () => {
  const { code, stdout, stderr } = await ask(['models'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/flight-delay +1 +available +champion .*numeric FP32\[-1,13\]/)
  expect(stdout).toMatch(/flight-delay +2 +available +challenger /)
})

test('status and models give their document with --json', async () => {
  const status = await ask(['status', '--json'])
  expect(JSON.parse(status.stdout)).toMatchObject({ ready: true, replicas: [{}, {}] })
  const models = await ask(['models', '--json'])
  expect(JSON.parse(models.stdout)).toEqual(await gateway.models())
})

test('predict sends a bare row, a whole body, a file and stdin', async () => {
  const file = join(makeTempDir('row'), 'row.json')
  writeFileSync(file, ROW)
  const results = await Promise.all([
    ask(['predict', 'flight-delay', '-d', ROW]),
    ask(['predict', '-d', JSON.stringify({ features: FLIGHT })]),
    ask(['predict', '-d', `@${file}`]),
    ask(['predict', '-d', '-'], { stdin: `${ROW}\n` }),
  ])
  const scores = results.map(({ code, stdout, stderr }) => {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return JSON.parse(stdout).score
  })
  expect(new Set(scores).size).toBe(1)
  expect(scores[0]).toBeGreaterThan(0)
})

test('predict --explain says on stderr who answered, and how long it took', async () => {
  const { code, stderr } = await ask(['predict', '-d', ROW, '--explain'])
  expect(code).toBe(0)
  expect(stderr).toMatch(/^server-timing: .+/m)
  expect(stderr).toMatch(/^x-sluice-version: 1$/m)
})

test('predict says what is wrong with a row, and what to do', async () => {
  const { distance: _, ...rest } = FLIGHT
  const body = JSON.stringify({ ...rest, distnce: 1400 })
  const { code, stdout, stderr } = await ask(['predict', '-d', body])
  expect(code).toBe(3)
  expect(JSON.parse(stdout)).toMatchObject({ status: 400 })
  expect(stderr).toMatch(/^✖ INPUT_UNKNOWN: .*'distnce'.*did you mean 'distance'/)
  expect(stderr.trimEnd().split('\n')).toHaveLength(2)
})

test('predict does not mend what it sends', async () => {
  const twice = ROW.replace('{', '{"distance":1,')
  const results = await Promise.all([
    ask(['predict', '-d', twice]),
    ask(['predict', '-d', ROW.replace('1400', '1e400')]),
    ask(['predict', '-d', '{"features": ']),
  ])
  const codes = results.map(({ stderr }) => /^✖ (\w+):/.exec(stderr)?.[1])
  expect(codes).toEqual(['DUPLICATE_KEY', 'INPUT_VALUE_INVALID', 'REQUEST_MALFORMED'])
  expect(results.map(({ code }) => code)).toEqual([3, 3, 3])
})

test('predict names the endpoints when there is none of that name', async () => {
  const { code, stderr } = await ask(['predict', 'flight delay', '-d', ROW])
  expect(code).toBe(3)
  expect(stderr).toMatch(/^✖ ENDPOINT_NOT_FOUND: .*flight-delay/)
})

test('a reader that has seen enough is no fault', async () => {
  const [program, main] = MAIN
  const env = plainEnv({ SLUICE_SERVER: gateway.controlUrl })
  for (const verb of [['status'], ['models', '--json'], ['--help']]) {
    const child = spawn(program, [main, ...verb], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    expect(await once(child, 'close')).toEqual([0, null])
    expect(said).toBe('')
  }
})

test('output that cannot be written is a failure', async () => {
  const command = ['sh', '-c', 'exec "$0" "$@" > /dev/full', ...MAIN]
  for (const verb of ['status', 'models']) {
    const { code, stderr } = await ask([verb], { command })
    expect(code).toBe(1)
    expect(stderr).toBe('✖ The result cannot be written (ENOSPC)\n')
  }
})

const SCRIPT = '/usr/bin/script'

// Skipped: a terminal cannot be made without `script` of util-linux
test.skipIf(!existsSync(SCRIPT))('colour is for terminals that want it', async () => {
  const onTerminal = async (env: Readonly<Record<string, string>>) => {
    const command = [SCRIPT, '-qec', `exec ${MAIN.join(' ')} status`, '/dev/null']
    return (await ask([], { command, env: { TERM: 'xterm', ...env } })).stdout
  }
  expect(await onTerminal({})).toContain(ESCAPE)
  expect(await onTerminal({ NO_COLOR: '1' })).not.toContain(ESCAPE)
  expect(await onTerminal({ TERM: 'dumb' })).not.toContain(ESCAPE)
  expect((await ask(['status'])).stdout).not.toContain(ESCAPE)
})

test('a gateway on IPv6 is shown with brackets and found by predict', async () => {
  const repository = copyExample()
  writeFileSync(join(repository, 'flight-delay/config.pbtxt'), 'metric_tags { }')
  const other = await startGateway({
    repository,
    flags: ['--host', '::1'],
    replicas: 1,
    threads: 1,
    isReadyAwaited: false,
  })
  const env = { SLUICE_SERVER: other.controlUrl }
  const status = await until(
    async () => {
      const result = await sluice(['status'], { env })
      return result.code === 0 ? result : null
    },
    { what: 'the gateway on ::1', timeoutMs: 30_000 },
  )
  expect(status.stdout).toContain(
    `predict http://[::1]:${other.httpPort}/predict  grpc [::1]:${other.grpcPort} `,
  )
  expect(status.stdout).toContain('⚠ flight-delay: config.pbtxt:1:1  metric_tags: is not')
  expect(await sluice(['predict', '-d', ROW], { env })).toMatchObject({ code: 0, stderr: '' })
})

test('models says why there is none', async () => {
  const warnings = ['The model repository does not exist']
  const url = await startServer((request, response) => {
    const isModels = request.url?.endsWith('/models')
    response.end(
      JSON.stringify(isModels ? { models: [] } : { version: '', replicas: [], warnings }),
    )
  })
  expect((await sluice(['models', '--server', url])).stdout).toBe(`no models\n⚠ ${warnings[0]}\n`)
})

test.each([
  [[], 0, /^Examples:[\s\S]*serve[\s\S]*check[\s\S]*Exit codes/, ''],
  [['--help'], 0, /Exit codes: 0 done/, ''],
  [['predict', '--help'], 0, /-d, --data <body>/, ''],
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/, ''],
  [['stauts'], 2, /^$/, "error: unknown command 'stauts'\n(Did you mean status?)"],
  [
    ['status', '--sever', 'x'],
    2,
    /^$/,
    "error: unknown option '--sever'\n(Did you mean --server?)",
  ],
  [['predict'], 2, /^$/, "error: required option '-d, --data <body>' not specified"],
  [['status', '--timeout', 'soon'], 2, /^$/, 'A duration is wanted, such as 500ms, 10s or 2m'],
  [['serve', '--grpc-port', 'off'], 3, /^$/, 'got "off"; wanted integer 0 to 65535 or null'],
  [['serve', '--model-repository', '.', '--threads', '0'], 3, /^$/, '✖ --threads  server.threads'],
] as const)('sluice %j ends with %i', async (args, code, stdout, stderr) => {
  const result = await sluice(args, { cwd: makeTempDir('cwd') })
  expect(result.code).toBe(code)
  expect(result.stdout).toMatch(stdout)
  expect(result.stderr).toContain(stderr)
})
