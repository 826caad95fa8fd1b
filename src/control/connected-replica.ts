/** What control knows of a replica process that speaks with it, and of one that has ended. */

import type { Hello } from '../../proto/gen/control_pb.ts'
import type { ControlLink } from './socket-server.ts'

/** A replica that speaks with control. A new object for every connection. */
export interface ConnectedReplica {
  readonly index: number
  readonly pid: number
  readonly incarnation: number
  readonly hello: Hello
  readonly link: ControlLink
  /** Monotonic milliseconds. */
  readonly connectedAtMs: number
}

/** The end of a replica process; its successor, if one is wanted, starts later. */
export interface ReplicaDeath {
  readonly index: number
  /** 0 when it never had a process. */
  readonly pid: number
  readonly incarnation: number
  /** How it ended: an exit code or a signal where that is known. */
  readonly detail: string
  /** It will not be started again: it says that it never can. */
  readonly isFatal: boolean
}
