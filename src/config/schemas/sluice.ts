/**
 * The schema of sluice.yaml, flags and variables; a section of it is a file in `sections/`.
 * `docs/reference/config.md` is generated from it: every key says what it does, when to raise and
 * lower it, and its meta says what a change costs.
 */

import { z } from 'zod'
import { path } from './path.ts'
import { access } from './sections/access.ts'
import { control } from './sections/control.ts'
import { cors } from './sections/cors.ts'
import { grpc } from './sections/grpc.ts'
import { limits } from './sections/limits.ts'
import { log } from './sections/log.ts'
import { metrics } from './sections/metrics.ts'
import { modelControl } from './sections/model-control.ts'
import { placement } from './sections/placement.ts'
import { proving } from './sections/proving.ts'
import { records } from './sections/records.ts'
import { recycle } from './sections/recycle.ts'
import { server } from './sections/server.ts'
import { tls } from './sections/tls.ts'
import { watchdog } from './sections/watchdog.ts'
import { setting } from './setting.ts'

const section = <T extends z.ZodObject>(schema: T) => schema.prefault({} as z.input<T>)

export const sluiceSchema = z.strictObject({
  model_repository: setting(
    path,
    "Folder of the models (Triton's tree: `<model>/<version>/model.onnx`). Relative to this file; as flag or variable, to the working folder.",
  ),
  default_endpoint: setting(
    z.string().min(1).nullable().default(null),
    'Endpoint that answers `/predict` without a name. null: the only one, if there is just one.',
    'reload',
  ),
  state_dir: setting(
    path.default('./.sluice'),
    'Folder for locks, the socket, proven models and logs. One gateway each. Relative like `model_repository`; a short path, since that of a socket ends at 107 bytes.',
  ),
  ...modelControl,
  control_absence_max: setting(
    z.number().min(0).max(86_400).default(60),
    'Seconds that replicas serve on without control before they drain and end. 0: for ever. Raise it if control may be away for longer; lower it so that nothing is left behind.',
  ),
  server: section(server),
  control: section(control),
  metrics: section(metrics),
  grpc: section(grpc),
  limits: section(limits),
  access: section(access),
  tls: section(tls),
  cors: section(cors),
  proving: section(proving),
  placement: section(placement),
  records: section(records),
  recycle: section(recycle),
  watchdog: section(watchdog),
  log: section(log),
})

export type SluiceYaml = z.output<typeof sluiceSchema>

/** Hints for keys whose reader needs more than the type that is wanted. */
export const HINTS: Readonly<Record<string, string>> = {
  model_repository: 'give --model-repository DIR, or the key in sluice.yaml',
  load_models: 'such as [iris, flights], or ["*"] for all',
  'control.host':
    'only loopback until access control exists; `metrics.listen` is for scrapers elsewhere',
  'access.keys': '`sluice key new` makes a key and its hash',
  'cors.origins': 'such as ["https://app.example.com"], or ["*"] for all pages',
  'metrics.listen': 'such as 0.0.0.0:8003, or "[::]:8003" in quotes; null: nowhere',
}
