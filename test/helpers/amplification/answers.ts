/** Whole requests with answers as large as may be: through decoder, batcher, run and encoder. */

import type { Session } from '../../../src/runtime/session-types.ts'
import {
  allocate,
  type Datatype,
  elementCount,
  type Signature,
  type Tensor,
} from '../../../src/shared/tensor.ts'
import { epochPlan, plannedVersion } from '../epoch-plans.ts'
import { HeldExchange } from '../held-exchange.ts'
import { RequestPath } from '../request-path.ts'

/** A request to a model `m` of one FP32 per row, which answers `width` elements for each. */
export interface AnswerTask {
  readonly path: string
  readonly datatype: Datatype
  readonly width: number
  /** Every element of the answer. */
  readonly element: number | string
  readonly body: Uint8Array
  /** As in a header; -1: it was not sent. */
  readonly jsonBytes: number
}

export interface GivenAnswer {
  /** '' if there was one. */
  readonly code: string
  readonly answerBytes: number
}

const RUN_ROWS_MAX = 256
/** So that not the queue is the limit. */
const QUEUE_ROWS_MAX = 10_000_000

/** Keeps its answer as an engine does whose client does not read: bytes are copied once. */
class UnsentExchange extends HeldExchange {
  code = ''
  unsent: string | Uint8Array = ''

  override reply(head: string | Uint8Array, body: string | Uint8Array | null): void {
    const text = typeof head === 'string' ? head : Buffer.from(head).toString('latin1')
    this.code = /^x-sluice-error: (.*)\r?$/m.exec(text)?.[1] ?? ''
    this.unsent = typeof body === 'string' ? body : Uint8Array.from(body ?? [])
  }
}

const sessionOf = ({ datatype, width, element }: AnswerTask): Session => {
  const signature: Signature = {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
    outputs: [{ name: 'y', datatype, shape: [-1, width] }],
  }
  const run = ([x]: readonly Tensor[]): Tensor[] => {
    const shape = [x!.shape[0]!, width]
    const data = allocate(datatype, elementCount(shape))
    ;(data as (number | string)[]).fill(element)
    return [{ datatype, shape, data }]
  }
  return { signature, run, dispose: () => {} }
}

export interface AnswerRun {
  /** One request, whose answer is kept. */
  readonly ask: () => GivenAnswer
  readonly forget: () => void
}

/** A request path of its own for the task. */
export const answerRun = (task: AnswerTask): AnswerRun => {
  const session = sessionOf(task)
  const { signature } = session
  const batching = {
    ...{ rowsMax: RUN_ROWS_MAX, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 },
  }
  const version = plannedVersion({ model: 'm', version: 1, signature, batching })
  const path = new RequestPath(epochPlan(1, [version]), {
    session: () => session,
    queueRowsMax: QUEUE_ROWS_MAX,
  })
  const inferenceHeaderLength = task.jsonBytes < 0 ? '' : String(task.jsonBytes)
  const kept: UnsentExchange[] = []
  return {
    ask: () => {
      const head = { path: task.path, inferenceHeaderLength }
      const exchange = new UnsentExchange(head, path.turns.nowMs)
      kept[0] = exchange
      path.infer.onRequest(exchange, task.body, null)
      while (!path.turns.isIdle) path.turns.turn()
      return { code: exchange.code, answerBytes: Buffer.byteLength(exchange.unsent) }
    },
    forget: () => void kept.pop(),
  }
}

const OIP = '/v2/models/m/infer'
const encoder = new TextEncoder()

const rowsText = (rows: number): string => new Array(rows).fill('[0]').join(',')
const instances = (rows: number): Uint8Array => encoder.encode(`{"instances":[${rowsText(rows)}]}`)

/** `more`: behind the inputs. */
const oipJson = (rows: number, more = ''): Uint8Array => {
  const data = new Array(rows).fill('0').join(',')
  const input = `{"name":"x","datatype":"FP32","shape":[${rows},1],"data":[${data}]}`
  return encoder.encode(`{"inputs":[${input}]${more}}`)
}

/** As long as a number of 8 bytes may be in JSON. */
const LONG_NUMBER = -2.2250738585072014e-308
const numbers = { datatype: 'FP64', element: LONG_NUMBER, jsonBytes: -1 } as const
/** 15 characters, which count as one value, of which each is written as six. */
const ESCAPED = '\u0001'.repeat(15)
const texts = { datatype: 'BYTES', jsonBytes: -1 } as const

const asBinary = ',"parameters":{"binary_data_output":true}'
const asClasses = ',"outputs":[{"name":"y","parameters":{"classification":4}}]'

export interface LargeAnswer {
  readonly title: string
  readonly task: AnswerTask
}

/** Requests whose answers are as large as may be, or nearly. */
export const LARGE_ANSWERS: readonly LargeAnswer[] = [
  {
    title: '768 numbers a row, TensorFlow',
    task: { ...numbers, path: '/v1/models/m:predict', width: 768, body: instances(1360) },
  },
  {
    title: '768 numbers a row, /predict',
    task: { ...numbers, path: '/predict', width: 768, body: instances(1355) },
  },
  {
    title: '768 numbers a row, OIP',
    task: { ...numbers, path: OIP, width: 768, body: oipJson(1360) },
  },
  {
    title: '768 numbers a row, raw OIP',
    task: { ...numbers, path: OIP, width: 768, body: new Uint8Array(4 * 1360), jsonBytes: 0 },
  },
  {
    title: '16,384 numbers a row, /predict',
    task: { ...numbers, path: '/predict', width: 16_384, body: instances(63) },
  },
  {
    title: '8,192 numbers a row as bytes, OIP',
    task: { ...numbers, path: OIP, width: 8192, body: oipJson(1023, asBinary) },
  },
  {
    title: '768 texts of escapes a row, TensorFlow',
    task: {
      ...{ ...texts, path: '/v1/models/m:predict', width: 768, element: ESCAPED },
      body: instances(1360),
    },
  },
  {
    title: '4 classes of 4,096 a row, OIP',
    task: { ...numbers, path: OIP, width: 4096, body: oipJson(900, asClasses) },
  },
]

/** One row that is as large as may be: how large is the model's, and so whoever serves it. */
export const LARGEST_ROW: LargeAnswer = {
  title: 'one row of 8,000,000 numbers',
  task: {
    ...numbers,
    path: '/predict',
    width: 8_000_000,
    body: encoder.encode('{"features":[0]}'),
  },
}
