/** What control knows of a replica process that speaks with it, and of one that has ended. */

import type { Hello } from '../../../proto/gen/control_pb.ts'
import type { ControlLink } from './socket-server.ts'

/** A replica that speaks with control. A new object for every connection. */
export interface ConnectedReplica {
  /** Its place. For a while, a process and its successor have the same. */
  readonly index: number
  readonly pid: number
  /** Names one process for ever. */
  readonly incarnation: number
  readonly hello: Hello
  readonly link: ControlLink
  /** Whether it drains, or must end for another reason. Changes, and holds when it has gone. */
  readonly isLeaving: boolean
}

/** The end of a replica process; its successor, if one is wanted, starts at its own time. */
export interface ReplicaDeath {
  readonly index: number
  /** 0 when it never had a process, or none is known. */
  readonly pid: number
  readonly incarnation: number
  /** How it ended: an exit code or a signal where that is known. */
  readonly detail: string
  /** It says that it can never start (exit code 78). */
  readonly isFatal: boolean
  /** An earlier control has started it. */
  readonly isAdopted: boolean
}
