/**
 * A trace collector: takes OTLP over HTTP and keeps the spans. It reads protobuf by the numbers of
 * opentelemetry-proto (trace/v1/trace.proto), not by what the exporter under test thinks they are.
 */

import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BinaryReader, type WireType } from '@bufbuild/protobuf/wire'
import { atEnd } from './clean-up.ts'
import { until } from './until.ts'

export interface ReceivedSpan {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  /** SpanKind of OTLP: 1 internal, 2 server. */
  readonly kind: number
  readonly startNs: bigint
  readonly endNs: bigint
  readonly attributes: Readonly<Record<string, unknown>>
  /** Status of OTLP: 0 unset, 1 ok, 2 error. */
  readonly status: number
  readonly flags: number
  readonly resource: Readonly<Record<string, unknown>>
}

type Field = (reader: BinaryReader) => void

/** Reads one message: every field by its number, the unknown ones over it. */
const readMessage = (bytes: Uint8Array, fields: Readonly<Record<number, Field>>): void => {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [number, wireType]: [number, WireType] = reader.tag()
    const field = fields[number]
    if (field === undefined) reader.skip(wireType, number)
    else field(reader)
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const readAttribute = (bytes: Uint8Array): [string, unknown] => {
  let key = ''
  let value: unknown = null
  const anyValue = {
    1: (reader: BinaryReader) => {
      value = reader.string()
    },
    2: (reader: BinaryReader) => {
      value = reader.bool()
    },
    3: (reader: BinaryReader) => {
      value = Number(reader.int64())
    },
    4: (reader: BinaryReader) => {
      value = reader.double()
    },
  }
  readMessage(bytes, {
    1: (reader) => {
      key = reader.string()
    },
    2: (reader) => readMessage(reader.bytes(), anyValue),
  })
  return [key, value]
}

const readSpan = (bytes: Uint8Array, resource: ReceivedSpan['resource']): ReceivedSpan => {
  const span = {
    ...{ name: '', traceId: '', spanId: '', parentSpanId: '', kind: 0, status: 0, flags: 0 },
    ...{ startNs: 0n, endNs: 0n, resource, attributes: {} as Record<string, unknown> },
  }
  readMessage(bytes, {
    1: (reader) => Object.assign(span, { traceId: hex(reader.bytes()) }),
    2: (reader) => Object.assign(span, { spanId: hex(reader.bytes()) }),
    4: (reader) => Object.assign(span, { parentSpanId: hex(reader.bytes()) }),
    5: (reader) => Object.assign(span, { name: reader.string() }),
    6: (reader) => Object.assign(span, { kind: reader.int32() }),
    7: (reader) => Object.assign(span, { startNs: BigInt(reader.fixed64()) }),
    8: (reader) => Object.assign(span, { endNs: BigInt(reader.fixed64()) }),
    9: (reader) => {
      const [key, value] = readAttribute(reader.bytes())
      span.attributes[key] = value
    },
    15: (reader) =>
      readMessage(reader.bytes(), {
        3: (status) => Object.assign(span, { status: status.int32() }),
      }),
    16: (reader) => Object.assign(span, { flags: reader.fixed32() }),
  })
  return span
}

const readExport = (bytes: Uint8Array): { spans: ReceivedSpan[]; scopes: number } => {
  const spans: ReceivedSpan[] = []
  let scopeCount = 0
  const readResourceSpans = (all: Uint8Array): void => {
    const resource: Record<string, unknown> = {}
    const scopes: Uint8Array[] = []
    const attribute = (reader: BinaryReader) => {
      const [key, value] = readAttribute(reader.bytes())
      resource[key] = value
    }
    readMessage(all, {
      1: (reader) => readMessage(reader.bytes(), { 1: attribute }),
      2: (reader) => scopes.push(reader.bytes()),
    })
    scopeCount += scopes.length
    for (const scope of scopes) {
      readMessage(scope, { 2: (reader) => spans.push(readSpan(reader.bytes(), resource)) })
    }
  }
  readMessage(bytes, { 1: (reader) => readResourceSpans(reader.bytes()) })
  return { spans, scopes: scopeCount }
}

const bodyOf = async (request: IncomingMessage): Promise<Uint8Array> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** What it does with an export: takes it, refuses it for good, or never answers. */
export type Manners = 'takes' | 'refuses' | 'hangs'

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  /** Groups that they came in. */
  scopes = 0
  readonly requests: { path: string; headers: IncomingMessage['headers'] }[] = []
  manners: Manners = 'takes'
  readonly #server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      this.requests.push({ path: request.url ?? '', headers: request.headers })
      if (this.manners === 'hangs') return
      if (this.manners === 'takes') this.#take(body)
      response.writeHead(this.manners === 'takes' ? 200 : 400, {
        'content-type': 'application/x-protobuf',
      })
      response.end()
    })
  })

  #take(body: Uint8Array): void {
    const { spans, scopes } = readExport(body)
    this.spans.push(...spans)
    this.scopes += scopes
  }

  async listen(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    atEnd(() => this.close())
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** The spans of a trace, once the one of the whole request is among them. */
  async trace(traceId: string): Promise<readonly ReceivedSpan[]> {
    const found = () => this.spans.filter((span) => span.traceId === traceId)
    await until(() => found().some(({ kind }) => kind === 2), {
      what: `the spans of trace ${traceId}`,
    })
    return found()
  }
}

export const startReceiver = async (port = 0): Promise<OtlpReceiver> => {
  const receiver = new OtlpReceiver()
  await receiver.listen(port)
  return receiver
}
