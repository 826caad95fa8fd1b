/** `sluice check` on config and repositories that are broken in every way. */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import { type CliOptions, MAIN, plainEnv, sluice } from '../helpers/cli.ts'
import { EXAMPLE_REPOSITORY } from '../helpers/example.ts'
import { endless, identity, mlp, scaleAdd } from '../helpers/models.ts'
import { reapAtEnd } from '../helpers/reaper.ts'
import { writeTree } from '../helpers/repository.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

type Files = Parameters<typeof writeTree>[1]

/** A working folder with these files; the repository is its `models`. */
const workingFolder = (files: Files, config = 'model_repository: models\n'): string => {
  const cwd = makeTempDir('check')
  writeTree(cwd, { 'sluice.yaml': config, ...files })
  return cwd
}

const check = (files: Files, { config, flags = [], ...options }: CheckOptions = {}) =>
  sluice(['check', ...flags], { cwd: workingFolder(files, config), ...options })

interface CheckOptions extends CliOptions {
  readonly config?: string
  readonly flags?: readonly string[]
}

const MODEL = scaleAdd()
const SHA256 = createHash('sha256').update(MODEL).digest('hex')

const manifest = (more: object = {}): string =>
  JSON.stringify(
    { format: { name: 'sluice-manifest', version: 1 }, digest: SHA256, task: 'other', ...more },
    null,
    2,
  )

test('check finds nothing wrong with the example, and says how much it looked at', async () => {
  const result = await sluice(['check', '--model-repository', EXAMPLE_REPOSITORY])
  const stderr = '  proving flight-delay/1\n  proving flight-delay/2\n'
  const stdout = '✔ nothing is wrong: 1 model, 2 versions, 2 proved\n'
  expect(result).toMatchObject({ code: 0, stdout, stderr })
})

test('check opens the models: a file that is no ONNX is found', async () => {
  const files = { 'models/m/1/model.onnx': 'garbage', 'models/n/1/model.onnx': MODEL }
  const result = await check(files)
  expect(result.code).toBe(3)
  expect(result.stdout).toMatch(/^✖ models\/m\/1\/model\.onnx {2}\S.+\n/)
  expect(result.stdout).toMatch(/⚠ models\/n\/1 {2}no manifest.json/)
  expect(result.stderr).toMatch(/1 problem\n$/)
  expect(await check(files, { flags: ['--no-models'] })).toMatchObject({
    code: 0,
    stdout: '✔ nothing is wrong: 2 models, 2 versions, not opened\n',
    stderr: '',
  })
})

test('check compares digest, signature and contract with what it opened', async () => {
  const signature = {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
  }
  const { code, stdout } = await check({
    'models/digest/1/model.onnx': MODEL,
    'models/digest/1/manifest.json': manifest({ digest: 'a'.repeat(64) }),
    'models/signature/1/model.onnx': MODEL,
    'models/signature/1/manifest.json': manifest({ signature }),
    'models/contract/1/model.onnx': identity('INT64'),
    'models/contract/2/model.onnx': MODEL,
    'models/contract/aliases.json': { champion: 2, challenger: 1 },
  })
  expect(code).toBe(3)
  const lines = stdout.split('\n')
  const line = (path: string) => lines.find((each) => each.includes(`✖ models/${path}`))
  expect(line('digest/1')).toMatch(/manifest\.json:6:3 {2}digest: model\.onnx is not the file/)
  expect(line('signature/1')).toMatch(/manifest\.json {2}.*\[-1, ?3\]/)
  expect(line('contract/1')).toBeDefined()
  expect(lines.filter((each) => each.startsWith('✖'))).toHaveLength(3)
})

test('check says where a file of the repository is wrong, once, with a hint', async () => {
  const { code, stdout } = await check({
    'models/m/1/model.onnx': MODEL,
    'models/m/1/manifest.json': manifest({ task: 'binry' }),
    'models/m/2/model.onnx': MODEL,
    'models/m/2/profile.json': '{"format": {"version": 1},\n "rows": 1,\n}',
    'models/n/1/model.onnx': MODEL,
    'models/n/2/model.onnx': MODEL,
    'models/n/model.yaml': 'max_batch_size: 4\ndynamic_batching:\n  max_queue_delay: 1ms\n',
    'models/n/aliases.json': '{\n  "champion": 9\n}',
    'models/empty/notes.txt': '',
  })
  expect(code).toBe(3)
  expect(stdout.split('\n')).toEqual([
    '✖ models/m/1/manifest.json:7:3  task: got "binry"; wanted `binary`, `multiclass`, `regression` or `other`  (did you mean \'binary\'?)',
    '✖ models/m/2/profile.json:3:1  Is not JSON: a comma too many, or a value is missing',
    "✖ models/n/aliases.json:2:3  champion: Alias 'champion' names the absent version 9  (Run `sluice models` for the versions and their states)",
    "✖ models/n/model.yaml:3:3  dynamic_batching.max_queue_delay: Unknown key 'max_queue_delay'  (did you mean 'max_queue_delay_microseconds'?)",
    '⚠ models/empty  holds no version: <model>/<version>/model.onnx is wanted',
    '',
  ])
})

test('check looks at the repository although the config is wrong, and at the default endpoint', async () => {
  const config = `model_repository: models
default_endpoint: credit-rsk
server: {http_port: 70000, threads: "4"}
`
  const files = { 'models/credit-risk/1/model.onnx': 'garbage' }
  const { code, stdout, stderr } = await check(files, { config, flags: ['--grpc-port', '80010'] })
  expect(code).toBe(3)
  expect(stdout.split('\n').map((line) => line.split('  ').slice(0, 2).join('  '))).toEqual([
    "✖ sluice.yaml:2:1  default_endpoint: 'credit-rsk' is no endpoint; wanted credit-risk",
    '✖ sluice.yaml:3:10  server.http_port: got 70000; wanted integer 0 to 65535',
    '✖ sluice.yaml:3:28  server.threads: got "4"; wanted `auto` or integer 1 to 256',
    '✖ --grpc-port  server.grpc_port: got 80010; wanted integer 0 to 65535 or null',
    expect.stringMatching(/^✖ models\/credit-risk\/1\/model\.onnx {2}/),
    '',
  ])
  expect(stdout).toContain("(did you mean 'credit-risk'?)")
  expect(stderr).toMatch(/5 problems\n$/)
})

test('check --json gives problems as objects, counts, and whether all is well', async () => {
  const files = {
    'models/m/1/model.onnx': MODEL,
    'models/m/1/manifest.json': manifest(),
    'models/m/config.pbtxt': 'max_batch_size: 8\ninstance_group { passive: true }',
  }
  const flags = ['--json']
  const fine = await check(files, { flags })
  const warning = {
    code: 'MODEL_CONFIG_INVALID',
    source: 'models/m/config.pbtxt',
    file: 'models/m/config.pbtxt',
    line: 2,
    column: 18,
    path: 'instance_group.passive',
    message: expect.stringContaining('is not obeyed: every session gets'),
    hint: null,
  }
  expect(fine).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(fine.stdout)).toEqual({
    ok: true,
    counts: { problems: 0, warnings: 1, models: 1, versions: 1, proved: 1 },
    problems: [],
    warnings: [warning],
  })
  const env = { SLUICE_LOG__LEVEL: 'loud' }
  const bad = await check(files, { flags: [...flags, '--no-models', '--threads', '0'], env })
  expect(bad.code).toBe(3)
  expect(JSON.parse(bad.stdout)).toMatchObject({
    ok: false,
    counts: { problems: 2, proved: 0 },
    problems: [
      { code: 'CONFIG_INVALID', source: 'SLUICE_LOG__LEVEL', file: null, path: 'log.level' },
      { code: 'CONFIG_INVALID', source: '--threads', file: null, line: null },
    ],
  })
})

test('check shows what a config.pbtxt gets wrong, alone and about its versions, with the place', async () => {
  const declared = (dims: string) =>
    `max_batch_size: 8\ninput {\n  name: "x"\n  data_type: TYPE_FP32\n  dims: ${dims}\n}\n`
  const { code, stdout } = await check({
    'models/right/1/model.onnx': MODEL,
    'models/right/config.pbtxt': `${declared('3')}input {
      name: "default" data_type: TYPE_FP32 dims: 1 optional: true
    }`,
    'models/wrong/1/model.onnx': MODEL,
    'models/wrong/config.pbtxt': declared('5'),
    'models/torn/1/model.onnx': MODEL,
    'models/torn/config.pbtxt': declared('[ 3'),
    'models/both/1/model.onnx': MODEL,
    'models/both/config.pbtxt': '',
    'models/both/model.yaml': '',
    'models/gpu/1/model.onnx': MODEL,
    'models/gpu/model.yaml':
      'session: {providers: [cuda], cuda: {device_ids: [127], require: true}}',
    'models/gpu-or-cpu/1/model.onnx': MODEL,
    'models/gpu-or-cpu/model.yaml': 'session: {providers: [cuda], cuda: {device_ids: [127]}}',
    'models/gpus/1/model.onnx': MODEL,
    'models/gpus/config.pbtxt': '\ninstance_group { kind: KIND_GPU gpus: 127 }',
    'models/cold/1/model.onnx': MODEL,
    'models/cold/config.pbtxt': 'model_warmup { name: "w" batch_size: 1 }',
    'models/python/1/model.onnx': MODEL,
    'models/python/config.pbtxt': 'backend: "python"',
  })
  expect(code).toBe(3)
  expect(stdout.split('\n').filter((line) => line.startsWith('✖'))).toEqual([
    expect.stringMatching(/^✖ models\/both\/config.pbtxt {2}There are model.yaml and config.pbtxt/),
    expect.stringMatching(
      /^✖ models\/cold {2}The warm-up 'w' fails: it lacks 'x' {2}\(Correct the/,
    ),
    expect.stringMatching(/^✖ models\/gpu {2}ONNX Runtime cannot use cuda here, on GPU 127: /),
    expect.stringMatching(
      /^✖ models\/gpus\/config.pbtxt:2:18 {2}instance_group.kind: ONNX Runtime cannot use cuda.*KIND_AUTO/,
    ),
    '✖ models/python/config.pbtxt:1:1  backend: got "python"; wanted `onnxruntime`  (Sluice serves ONNX models only)',
    "✖ models/torn/config.pbtxt:6:1  Is not protobuf text format: wanted ',' or ']'; found '}'",
    "✖ models/wrong/config.pbtxt:5:3  input.dims: 'x' of version 1 is [-1,3], the first being that of rows: wanted [3], got [5]",
  ])
  expect(stdout).toContain('⚠ models/gpu-or-cpu/1  it asks for a GPU and runs on the CPU: ')
  expect(stdout).toContain(
    "⚠ models/right/config.pbtxt:8:7  input.optional: is not obeyed: 'default' is no input",
  )
})

test('check names the place that leads to a repository that is not there', async () => {
  expect(await check({}, { config: '\nmodel_repository: gone\n' })).toMatchObject({
    code: 3,
    stdout:
      '✖ sluice.yaml:2:1  model_repository: The model repository does not exist  (Check path and rights)\n',
  })
  const ofFlag = await check({}, { flags: ['--model-repository', 'gone'] })
  expect(ofFlag.stdout).toMatch(/^✖ --model-repository {2}/)
  expect(await sluice(['check'], { cwd: makeTempDir() })).toMatchObject({
    code: 3,
    stdout:
      '✖ sluice.yaml  model_repository: is missing; wanted non-empty string  (give --model-repository DIR, or the key in sluice.yaml)\n',
  })
})

test('check shows paths that can be typed from where it was started', async () => {
  const root = workingFolder({ 'models/m/x/model.onnx': MODEL, 'sub/notes.txt': '' })
  const flags = ['--config', '../sluice.yaml', '--no-models']
  const { stdout } = await sluice(['check', ...flags], { cwd: join(root, 'sub') })
  expect(stdout).toContain(`⚠ ${join(root, 'models/m/x')}  'x' is no version`)
})

test("check finds nothing wrong with Triton's other folders, nor with times as versions", async () => {
  const { code, stdout } = await check(
    {
      'models/m/1700000000/model.onnx': MODEL,
      'models/m/configs/low.pbtxt': 'max_batch_size: 8',
      'models/lost+found/x': '',
    },
    { flags: ['--no-models'] },
  )
  expect(code).toBe(0)
  expect(stdout).toMatch(/^⚠ .*'configs' is no version.*\n✔ nothing is wrong: 1 model, 1 version/)
})

test('check has no state: the folder it works in goes, and the state folder is not touched', async () => {
  const cwd = workingFolder({ 'models/m/1/model.onnx': mlp([4, 2]) })
  const temporary = makeTempDir('tmp')
  const result = await sluice(['check'], { cwd, env: { TMPDIR: temporary } })
  expect(result.code).toBe(0)
  // Nor does the runtime leave files there: it does when it reports its use to its maker.
  expect(readdirSync(temporary)).toEqual([])
  expect(readdirSync(cwd).sort()).toEqual(['models', 'sluice.yaml'])
})

test('check says that it has nowhere to work', async () => {
  const files = { 'models/m/1/model.onnx': MODEL }
  const { code, stderr } = await check(files, { env: { TMPDIR: '/proc/nowhere' } })
  expect(code).toBe(1)
  expect(stderr).toMatch(/^✖ STATE_UNWRITABLE: .*\/proc\/nowhere.*: set TMPDIR\n/)
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('check ends its proving run when %s comes', async (signal, code) => {
  const cwd = workingFolder({ 'models/m/1/model.onnx': endless() })
  const temporary = makeTempDir('tmp')
  reapAtEnd(temporary)
  const [program, main] = MAIN
  const child = spawn(program, [main, 'check'], { cwd, env: plainEnv({ TMPDIR: temporary }) })
  atEnd(() => void child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  await until(() => said.includes('proving m/1'), { what: 'a proving run' })
  child.kill(signal)
  const [exit] = await once(child, 'exit')
  expect(exit).toBe(code)
  expect(readdirSync(temporary)).toEqual([])
})
