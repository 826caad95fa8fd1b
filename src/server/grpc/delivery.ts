/** How the bytes of a message become a request: inflated, led to its path, admitted by its key. */

import { isRefusal, type Refusal } from '../../shared/errors.ts'
import { denialOf, grantOf } from '../access.ts'
import { admitEncoding, withPlainBody } from '../content-encoding.ts'
import type { Exchange } from '../exchange.ts'
import type { GrpcCall } from './grpc-call.ts'
import type { UnaryMethod } from './methods.ts'

export const EMPTY = new Uint8Array(0)

type Told = 'method' | 'path' | 'grant' | 'sentBytes'

/** An exchange whose message says what it asks for. */
export type MessageExchange = Omit<Exchange, Told> & { -readonly [Key in Told]: Exchange[Key] }

/** Hands a message on as the request that it is, or its refusal. `encoding`: '' for none. */
export const deliver = (
  call: GrpcCall,
  exchange: MessageExchange,
  read: UnaryMethod['read'],
  content: Uint8Array,
  encoding: string,
): void => {
  if (encoding === '') {
    deliverPlain(call, exchange, read, content)
    return
  }
  exchange.sentBytes = content.length
  const { options } = call.engine
  const use = (plain: Uint8Array): null => deliverPlain(call, exchange, read, plain)
  const refusal = admitEncoding(encoding) ?? withPlainBody(content, encoding, options, use)
  if (refusal !== null) options.onRequest(exchange, EMPTY, refusal)
}

/** The message leads to the path, and that to what a key may ask. */
const deliverPlain = (
  call: GrpcCall,
  exchange: MessageExchange,
  read: UnaryMethod['read'],
  message: Uint8Array,
): null => {
  const { gate, onRequest } = call.engine.options
  const target = read(message)
  if (isRefusal(target)) {
    onRequest(exchange, EMPTY, target)
    return null
  }
  const { method, path, body } = target
  exchange.method = method
  exchange.path = path
  let denial: Refusal | null = null
  if (gate.isClosed) {
    const admitted = gate.admit(path, call.header('authorization'), call.header('x-api-key'))
    exchange.grant = grantOf(admitted)
    denial = denialOf(admitted)
  }
  onRequest(exchange, body, denial)
  return null
}
