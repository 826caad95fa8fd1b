/**
 * Tracing as the environment asks for it, by OpenTelemetry's own variables
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/): there are no
 * keys for it in sluice.yaml. What the exporter reads by itself is not read here: the headers,
 * timeout, compression and certificates of OTEL_EXPORTER_OTLP_..., OTEL_SERVICE_NAME and
 * OTEL_RESOURCE_ATTRIBUTES.
 *
 * They may be set for the other programs of a machine: what cannot be obeyed switches tracing off,
 * and keeps nothing from starting.
 */

import { nearest } from '../shared/nearest.ts'
import { type TraceSampling, thresholdOf } from '../shared/trace-context.ts'
import { REQUEST_SPANS_MAX } from '../shared/trace-ring.ts'
import type { ConfigProblem, TracingConfig } from './config.ts'
import type { Environment } from './environment.ts'
import { didYouMean } from './problems.ts'

interface Read {
  /** null: tracing is off. */
  readonly tracing: TracingConfig | null
  /** Why it is off although it is asked for. */
  readonly problems: readonly ConfigProblem[]
}

const OFF: Read = { tracing: null, problems: [] }

const DEFAULT_SAMPLER = 'parentbased_always_off'
const SAMPLERS: Readonly<Record<string, (ratio: number) => TraceSampling>> = {
  always_on: () => ({ isParentBased: false, threshold: thresholdOf(1) }),
  always_off: () => ({ isParentBased: false, threshold: 0 }),
  traceidratio: (ratio) => ({ isParentBased: false, threshold: thresholdOf(ratio) }),
  parentbased_always_on: () => ({ isParentBased: true, threshold: thresholdOf(1) }),
  parentbased_always_off: () => ({ isParentBased: true, threshold: 0 }),
  parentbased_traceidratio: (ratio) => ({ isParentBased: true, threshold: thresholdOf(ratio) }),
}

/**
 * Spans that may wait for their export. OpenTelemetry's default, 2048, is what 300 requests have;
 * they come in bundles, five times a second.
 */
const QUEUE_SPANS = 8192

/** A variable that is set and does something; the specification takes empty ones for unset. */
const textOf = (env: Environment, name: string): string | undefined =>
  env[name]?.trim() || undefined

/** Reads variables and gathers what is wrong with them. */
class Reader {
  readonly problems: ConfigProblem[] = []
  readonly #env: Environment

  constructor(env: Environment) {
    this.#env = env
  }

  /** The first of the variables that is set: its name and text. */
  first(...names: readonly string[]): readonly [name: string, text: string] | null {
    for (const name of names) {
      const text = textOf(this.#env, name)
      if (text !== undefined) return [name, text]
    }
    return null
  }

  wrong(source: string, what: string, hint: string | null): void {
    const message = `tracing is off: ${what}`
    this.problems.push({ source, line: 0, column: 0, path: '', message, hint })
  }

  /** A whole number within bounds; `byDefault` without one. */
  whole(name: string, byDefault: number, min: number): number {
    const text = textOf(this.#env, name)
    if (text === undefined) return byDefault
    const value = Number(text)
    if (Number.isSafeInteger(value) && value >= min && value <= 2 ** 31 - 1) return value
    this.wrong(name, `got '${text}'; wanted integer from ${min} on`, null)
    return byDefault
  }
}

/** Of an endpoint what holds no secret: it may have a password, or a token in its path. */
const shownEndpoint = (text: string): string => {
  const url = URL.parse(text)
  if (url !== null && url.host !== '') return `'${url.protocol}//${url.host}'`
  return /[@/?#]/.test(text) ? 'no URL' : `'${text}'`
}

/** Whether spans go anywhere: by an endpoint, or because it is said that they do. */
const isWanted = (reader: Reader): boolean => {
  const exporters = reader.first('OTEL_TRACES_EXPORTER')
  const endpoint = reader.first('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT')
  if (exporters?.[1] === 'none' || (exporters ?? endpoint) === null) return false
  if (exporters !== null && exporters[1] !== 'otlp') {
    reader.wrong(exporters[0], `got '${exporters[1]}'; wanted otlp or none`, null)
  }
  if (endpoint !== null && !/^https?:$/.test(URL.parse(endpoint[1])?.protocol ?? '')) {
    const hint = 'such as http://127.0.0.1:4318'
    const shown = shownEndpoint(endpoint[1])
    reader.wrong(endpoint[0], `got ${shown}; wanted an http or https URL`, hint)
  }
  return true
}

const checkProtocol = (reader: Reader): void => {
  const protocol = reader.first('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL')
  if (protocol === null || protocol[1] === 'http/protobuf') return
  const hint =
    'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf, with an endpoint that takes it, usually ' +
    'port 4318; or OTEL_TRACES_EXPORTER=none'
  reader.wrong(protocol[0], `got '${protocol[1]}'; spans are sent by http/protobuf alone`, hint)
}

const samplingOf = (reader: Reader): TraceSampling => {
  const [name, sampler] = reader.first('OTEL_TRACES_SAMPLER') ?? ['', DEFAULT_SAMPLER]
  const make = Object.hasOwn(SAMPLERS, sampler) ? SAMPLERS[sampler] : undefined
  if (make === undefined) {
    const known = Object.keys(SAMPLERS)
    const near = nearest(sampler, known)
    const hint = near === null ? null : didYouMean(near)
    reader.wrong(name, `got '${sampler}'; wanted one of ${known.join(', ')}`, hint)
    return { isParentBased: true, threshold: 0 }
  }
  const [source, text] = reader.first('OTEL_TRACES_SAMPLER_ARG') ?? ['', '1']
  const ratio = Number(text)
  if (!sampler.endsWith('ratio') || (ratio >= 0 && ratio <= 1)) return make(ratio)
  reader.wrong(source, `got '${text}'; wanted number 0 to 1, the share of traces to keep`, null)
  return make(0)
}

const batchOf = (reader: Reader): TracingConfig['batch'] => {
  const queueSpansMax = reader.whole('OTEL_BSP_MAX_QUEUE_SIZE', QUEUE_SPANS, REQUEST_SPANS_MAX)
  const name = 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'
  const batchSpansMax = reader.whole(name, Math.min(512, queueSpansMax), 1)
  if (batchSpansMax > queueSpansMax) {
    reader.wrong(name, `${batchSpansMax} spans are more than may wait, ${queueSpansMax}`, null)
  }
  return {
    queueSpansMax,
    batchSpansMax,
    delayMs: reader.whole('OTEL_BSP_SCHEDULE_DELAY', 5000, 0),
    exportMsMax: reader.whole('OTEL_BSP_EXPORT_TIMEOUT', 30_000, 1),
  }
}

/** Off unless an endpoint is set, or OTEL_TRACES_EXPORTER=otlp: then it is as OTLP has it. */
export const readTracing = (env: Environment): Read => {
  const reader = new Reader(env)
  if (reader.first('OTEL_SDK_DISABLED')?.[1].toLowerCase() === 'true') return OFF
  if (!isWanted(reader)) return OFF
  checkProtocol(reader)
  const tracing = { sampling: samplingOf(reader), batch: batchOf(reader) }
  const { problems } = reader
  return problems.length === 0 ? { tracing, problems } : { tracing: null, problems }
}
