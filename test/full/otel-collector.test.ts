import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { toolFolders } from '../../scripts/tier/provision.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway } from '../helpers/gateway.ts'
import { findFreePort } from '../helpers/ports.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { CALLER, traceContext } from '../helpers/traced-gateway.ts'
import { until } from '../helpers/until.ts'

/** Takes OTLP over HTTP, and prints every span that it gets. */
const configOf = (port: number) => `
receivers: {otlp: {protocols: {http: {endpoint: "127.0.0.1:${port}"}}}}
exporters: {debug: {verbosity: detailed}}
service:
  telemetry: {metrics: {level: none}}
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
`

const startCollector = async () => {
  const port = await findFreePort()
  const file = join(makeTempDir('otel'), 'collector.yaml')
  writeFileSync(file, configOf(port))
  const path = [...toolFolders(), process.env['PATH']].join(':')
  const collector = spawn('otel-collector', ['--config', file], {
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  atEnd(() => {
    collector.kill('SIGKILL')
  })
  const chunks: Buffer[] = []
  collector.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  collector.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  const output = () => Buffer.concat(chunks).toString()
  await until(() => output().includes('Everything is ready'), { what: 'the collector to be ready' })
  return { url: `http://127.0.0.1:${port}`, output }
}

/** A span as the debug exporter prints it: `Name : value` lines, then attributes. */
interface PrintedSpan {
  readonly fields: ReadonlyMap<string, string>
  readonly attributes: ReadonlyMap<string, string>
}

const spansIn = (output: string): PrintedSpan[] =>
  output
    .split(/^Span #\d+$/m)
    .slice(1)
    .map((text) => ({
      fields: new Map([...text.matchAll(/^ {4}([A-Z][\w ]+?) +: (.*)$/gm)].map(pairOf)),
      attributes: new Map([...text.matchAll(/^ {5}-> ([\w.]+): (.*)$/gm)].map(pairOf)),
    }))
const pairOf = ([, name = '', value = '']: RegExpExecArray): [string, string] => [name, value]

test('the OpenTelemetry collector prints the spans of a request as they were', async () => {
  const collector = await startCollector()
  const gateway = await startGateway({
    repository: EXAMPLE_REPOSITORY,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'flights' },
  })
  const { traceId, headers } = traceContext()
  const response = await gateway.post('/predict/flight-delay', { features: FLIGHT }, headers)
  expect(response.status).toBe(200)
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  await until(() => collector.output().includes(traceId), { what: 'the spans' })
  const output = collector.output()
  expect(output).toContain('service.name: Str(flights)')
  const spans = spansIn(output)
  expect(spans.map(({ fields }) => fields.get('Name'))).toEqual([
    ...['predict flight-delay', 'receive', 'decode', 'queue', 'batch', 'run', 'reply'],
  ])
  const [server, ...parts] = spans
  const id = server!.fields.get('ID')
  expect(Object.fromEntries(server!.fields)).toMatchObject({
    ...{ 'Trace ID': traceId, 'Parent ID': CALLER, Kind: 'Server', 'Status code': 'Unset' },
  })
  const part = { 'Trace ID': traceId, 'Parent ID': id, Kind: 'Internal' }
  for (const { fields } of parts) expect(Object.fromEntries(fields)).toMatchObject(part)
  expect(Object.fromEntries(server!.attributes)).toMatchObject({
    'feature_flag.key': 'Str(flight-delay)',
    'feature_flag.result.variant': `Str(${response.headers.get('x-sluice-variant')})`,
    'http.response.status_code': 'Int(200)',
    'sluice.prediction_id': `Str(${response.headers.get('x-sluice-prediction-id')})`,
  })
})
