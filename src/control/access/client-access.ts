/**
 * Who may ask the data plane, and what it proves itself with: control reads both and tells every
 * replica, before it prepares anything, and again when something has changed.
 */

import { create } from '@bufbuild/protobuf'
import type { EnvelopeBody } from '../../../proto/control-envelope.ts'
import { AccessSchema } from '../../../proto/gen/control_pb.ts'
import type { ApiKey, SluiceConfig } from '../../config/config.ts'
import { type AccessPlan, encodeAccess, type PlannedKey } from '../../shared/access-plan.ts'
import type { Clock } from '../../shared/clock.ts'
import { GatewayError } from '../../shared/errors.ts'
import type { Logger } from '../../shared/logger.ts'
import { TlsFiles, type TlsPlace } from './tls-files.ts'

/** What is needed of a connected replica. A new object for every connection. */
export interface Told {
  readonly index: number
  readonly link: { call(body: EnvelopeBody, timeoutMs: number): Promise<EnvelopeBody> }
}

type AccessConfig = Pick<SluiceConfig, 'access' | 'tls'> & {
  readonly grpc: Pick<SluiceConfig['grpc'], 'clientCaFile'>
}

export interface ClientAccessParts {
  readonly clock: Clock
  readonly logger: Logger
  /** Among which the rate of a key is divided. */
  readonly replicas: number
  /** Whether replicas may live that have a certificate of an earlier control. */
  readonly mayBeServed: boolean
}

/** Threads take it at the end of their turn; a run under way may take as long as it may. */
const CALL_MS_MAX = 60_000

const placeOf = ({ tls, grpc }: AccessConfig): TlsPlace | null => {
  const { certFile, keyFile, minVersion } = tls
  if (certFile === null || keyFile === null) return null
  return { certFile, keyFile, minVersion, clientCaFile: grpc.clientCaFile }
}

/** Connections are divided by the kernel, so each replica lets in its share: none knows others. */
export const plannedKey = (key: ApiKey, replicas: number): PlannedKey => {
  const { name, sha256, endpoints, priority, requestsPerSecond, burst } = key
  const perSecond = requestsPerSecond === null ? null : requestsPerSecond / replicas
  const share = Math.max(1, Math.ceil(burst / replicas))
  const rate = perSecond === null ? null : { perSecond, burst: share }
  return { name, sha256, endpoints, priority, rate }
}

export class ClientAccess {
  readonly #parts: ClientAccessParts
  readonly #tls: TlsFiles | null
  readonly #isTls: boolean
  /** Where the certificates lie that clients must be signed by. */
  #clientCaFile: string | null
  #keys: readonly PlannedKey[]
  /** Replicas that could not take what they were told, and why. */
  readonly #failures = new WeakMap<Told, string>()
  #replicas: () => readonly Told[] = () => []
  /** Keys that have come or gone. */
  #switched: readonly string[] = []
  #end = () => {}

  /** @throws GatewayError CONFIG_INVALID: the certificate cannot be used, and nobody has one */
  constructor(config: AccessConfig, parts: ClientAccessParts) {
    this.#parts = parts
    this.#keys = this.#plannedKeys(config)
    const place = placeOf(config)
    this.#clientCaFile = place?.clientCaFile ?? null
    this.#tls = place === null ? null : new TlsFiles(place, parts.clock, parts.logger)
    this.#isTls = this.#tls !== null
    this.#refuseUnless(parts.mayBeServed)
  }

  /** Whether the data plane takes HTTPS, and nothing else. */
  get isTls(): boolean {
    return this.#isTls
  }

  /** When the certificate in use expires, milliseconds since 1970; null without one. */
  get expiresMs(): number | null {
    return this.#tls?.expiresMs ?? null
  }

  /**
   * `replicas`: those that are connected. `isServed`: some have a certificate already, of an
   * earlier control, and serve on with it.
   *
   * @throws GatewayError CONFIG_INVALID, as the constructor does
   */
  start(replicas: () => readonly Told[], isServed: boolean): void {
    this.#refuseUnless(isServed)
    this.#replicas = replicas
    this.#end = this.#tls?.watch(() => this.#tellAll()) ?? (() => {})
  }

  stop(): void {
    this.#end()
  }

  /** The config has been read again. The certificate is looked at, too. */
  reload(config: AccessConfig): void {
    const place = placeOf(config)
    const { clientCaFile } = config.grpc
    const isCaSwitched = (clientCaFile === null) !== (this.#clientCaFile === null)
    if (!isCaSwitched) this.#clientCaFile = clientCaFile
    this.#switched = [
      ...((place === null) === this.#isTls ? ['tls.cert_file'] : []),
      ...(isCaSwitched ? ['grpc.client_ca_file'] : []),
    ]
    if (place !== null) this.#tls?.move({ ...place, clientCaFile: this.#clientCaFile })
    this.#keys = this.#plannedKeys(config)
    this.#tellAll()
  }

  /** A replica has connected: to be called before it is told to prepare anything. */
  welcome(replica: Told): void {
    void this.#tell(replica)
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    const failures = this.#replicas().flatMap((replica) => {
      const failure = this.#failures.get(replica)
      return failure === undefined
        ? []
        : [`replica ${replica.index} keeps the certificate from before: ${failure}`]
    })
    const asked = this.#switched.map((key) => `${key} has come or gone, which needs a restart`)
    return [...asked, ...(this.#tls?.warnings() ?? []), ...failures]
  }

  #refuseUnless(isServed: boolean): void {
    const fault = this.#tls?.material === null ? this.#tls.fault : null
    if (fault !== null && !isServed) throw new GatewayError('CONFIG_INVALID', fault)
  }

  #plannedKeys({ access }: AccessConfig): PlannedKey[] {
    return access.keys.map((key) => plannedKey(key, this.#parts.replicas))
  }

  #tellAll(): void {
    for (const replica of this.#replicas()) void this.#tell(replica)
  }

  async #tell(replica: Told): Promise<void> {
    const plan: AccessPlan = { keys: this.#keys, tls: this.#tls?.material ?? null }
    const value = create(AccessSchema, { plan: encodeAccess(plan) })
    try {
      const answer = await replica.link.call({ case: 'access', value }, CALL_MS_MAX)
      const failure = answer.case === 'accessTaken' ? answer.value.failure : ''
      if (failure === '') this.#failures.delete(replica)
      else {
        this.#failures.set(replica, failure)
        const event = { event: 'access_not_taken', replica: replica.index, reason: failure }
        this.#parts.logger.warn(event, 'a replica keeps its certificate')
      }
    } catch {
      // Its link has closed: it is told anew when it connects, or has ended.
    }
  }
}
