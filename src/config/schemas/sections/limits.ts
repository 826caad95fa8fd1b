/** `limits`: what one client, and all of them, may take of a replica. */

import { z } from 'zod'
import { count, GIB, MIB, setting } from '../setting.ts'

const DAY_MS = 86_400_000

export const limits = z.strictObject({
  body_bytes_max: setting(
    count(1024, GIB).default(64 * MIB),
    'Largest request body; beyond it 413 `BODY_TOO_LARGE`. Raise it for large tensors; lower it to bound what one client can make the server hold. Above 256 MiB raise `watchdog.idle_seconds_max` too: reading one body can take 40 s a GiB.',
  ),
  body_bytes_in_flight_max: setting(
    count(1024, GIB).default(256 * MIB),
    'All bodies that a replica buffers at once; beyond it 503 `BODY_BUDGET_EXHAUSTED`. Raise it when many large bodies arrive together; lower it where memory is short.',
  ),
  json_depth_max: setting(
    count(2, 1000).default(100),
    'Deepest nesting of a JSON body; beyond it 400 `REQUEST_TOO_DEEP`. No supported request needs more than a tensor has dimensions: lower it freely, do not raise it.',
  ),
  header_bytes_max: setting(
    count(1024, MIB).default(16_384),
    'Longest header block; beyond it the connection is closed with 431 or 400. Raise it for long tokens and baggage; lower it to hold less per connection.',
  ),
  connections_max: setting(
    count(1, 10_000_000).default(10_000),
    'Open connections of one replica, and at most half of the files that a process may have open. A thread at its share accepts no more, and the kernel gives new ones to others or refuses them. Each has one request under way, so that this also bounds how many can wait: lower it where answers that come late are worth nothing; raise it for many clients that seldom ask.',
  ),
  queue_rows_max: setting(
    count(1, 10_000_000).default(10_000),
    'Rows that may wait for one version in one thread (of a pooled one in a replica), on each level of priority and those above; beyond it 503 `QUEUE_FULL`. It guards the memory: what decides in time is `queue_work_ms_max`. All levels together may hold twice as many.',
  ),
  queue_work_ms_max: setting(
    count(1, 600_000).default(1000),
    'Milliseconds of work that may wait for one version in one thread (of a pooled one in a replica), by what its runs cost, on each level of priority and those above; beyond it 503 `QUEUE_FULL` with the time after which to come again. Raise it to ride out bursts; lower it when answers that come late are worth nothing.',
  ),
  timeout_ms_default: setting(
    count(0, DAY_MS).default(0),
    'Milliseconds in which a prediction must be answered that does not say so itself by `x-sluice-timeout-ms`. What cannot be, less a tenth (at most 5 ms) for the way of the answer, is refused at once with 503 `DEADLINE_UNMEETABLE`. 0: as long as it takes.',
  ),
  timeout_ms_max: setting(
    count(1, DAY_MS).default(DAY_MS),
    'The longest time that a client may ask for by `x-sluice-timeout-ms`; a longer one is cut to it.',
  ),
})
