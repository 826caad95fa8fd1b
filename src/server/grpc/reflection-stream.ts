/**
 * `grpc.reflection`: what services there are, for tools that have no protos. v1 and v1alpha differ
 * in name alone.
 */

import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '../../../proto/gen/reflection_v1_pb.ts'
import { isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { descriptorsOf, SERVICE_NAMES } from './descriptors.ts'
import { StreamCall } from './stream-call.ts'
import { refusedStatus, STATUS_CODES } from './wire-status.ts'

const MALFORMED = refuse('REQUEST_MALFORMED', 'The message is no ServerReflectionRequest')

type Asked = ServerReflectionRequest['messageRequest']

/** The one of the answers that goes with what is asked. */
const answerTo = (asked: Asked) => {
  const missing = (what: string) => ({
    case: 'errorResponse' as const,
    value: { errorCode: STATUS_CODES['NOT_FOUND']!, errorMessage: what },
  })
  if (asked.case === 'listServices') {
    const service = SERVICE_NAMES.map((name) => ({ name }))
    return { case: 'listServicesResponse' as const, value: { service } }
  }
  if (asked.case === 'fileByFilename' || asked.case === 'fileContainingSymbol') {
    const fileDescriptorProto = descriptorsOf(asked.case, asked.value)
    if (fileDescriptorProto === null) return missing(`Not found: ${asked.value.slice(0, 200)}`)
    return { case: 'fileDescriptorResponse' as const, value: { fileDescriptorProto } }
  }
  if (asked.case === 'fileContainingExtension' || asked.case === 'allExtensionNumbersOfType') {
    return missing('No message here has extensions')
  }
  return missing('The request asks for nothing')
}

export class ReflectionStream extends StreamCall {
  readonly isOpen = false

  onRequestMessage(content: Uint8Array): void {
    const denial = this.#denial()
    const answer = denial ?? this.#answer(content)
    if (isRefusal(answer)) this.refuseWhole(answer)
    else this.write(answer)
    this.answered()
  }

  #denial(): Refusal | null {
    const { gate } = this.engine.options
    if (!gate.isClosed) return null
    const admitted = gate.admit('/v2', this.header('authorization'), this.header('x-api-key'))
    return admitted !== null && isRefusal(admitted) ? admitted : null
  }

  #answer(content: Uint8Array): Uint8Array | Refusal {
    let request: ServerReflectionRequest
    try {
      request = fromBinary(ServerReflectionRequestSchema, content)
    } catch {
      return MALFORMED
    }
    const answer = create(ServerReflectionResponseSchema, {
      validHost: request.host,
      originalRequest: request,
      messageResponse: answerTo(request.messageRequest),
    })
    return toBinary(ServerReflectionResponseSchema, answer)
  }

  refuseWhole(refusal: Refusal): void {
    if (!this.isEnded && !this.isReceived) this.end(refusedStatus(refusal))
  }
}
