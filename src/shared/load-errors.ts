/**
 * The codes that never answer a request: of loading a version, of starting, files and tools. They
 * are part of the table in `errors.ts`.
 */

/** What one code means on each transport and what its reader should do. */
export interface ErrorEntry {
  /** HTTP status; 0 where the code never answers a request (start-up and load errors). */
  readonly http: number
  /** gRPC status name, by Triton's table. */
  readonly grpc: string
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean
  /** One sentence: when it happens. */
  readonly cause: string
  /** One sentence: what to do. */
  readonly hint: string
}

export const entry = (
  http: number,
  grpc: string,
  retryable: boolean,
  cause: string,
  hint: string,
): ErrorEntry => ({ http, grpc, retryable, cause, hint })

const loadError = (cause: string, hint: string) => entry(0, 'INTERNAL', false, cause, hint)

export const LOAD_ERRORS = {
  // loading a version
  MODEL_INVALID: loadError('The model file cannot be used', 'See the reason; export it again'),
  MODEL_UNSAFE: loadError(
    'The model file points outside its folder, uses a foreign operator domain, or exceeds a limit',
    'Do not serve it; see the reason',
  ),
  MANIFEST_INVALID: loadError(
    'manifest.json or profile.json is malformed or contradicts the model',
    'Correct the field that the reason names',
  ),
  DIGEST_MISMATCH: loadError(
    'A file has another SHA-256 than was promised',
    'Publish the version again, whole',
  ),
  MODEL_CONFIG_INVALID: loadError(
    'model.yaml or config.pbtxt is invalid or contradicts the model, or there are both',
    'Correct the line that is named',
  ),
  PROVIDER_UNAVAILABLE: loadError(
    'The version must run on a GPU, and ONNX Runtime cannot use it on this machine',
    'See the reason and docs/guides/gpu.md; or let the CPU run it, without `session.cuda.require`, or with KIND_AUTO',
  ),
  FILES_CHANGING: loadError(
    'Files of the version, or the settings of its model, are still being written',
    'Wait until the copy is complete: the version is then taken up by itself',
  ),
  PROVING_CRASHED: loadError(
    'The version killed the process that tried it',
    'Do not serve it; try it with another exporter or runtime version',
  ),
  PROVING_TIMEOUT: loadError(
    'The version did not load and answer within `proving.timeout_seconds`',
    'Raise the limit if the model is merely large',
  ),
  PROVING_MEMORY: loadError(
    'The version needed more memory than `proving.memory_bytes_max` or `session.cuda.memory_bytes_max` allows, or than its GPU has left',
    'Raise the limit if the model is merely large; nvidia-smi says what else has the memory of a GPU',
  ),
  PREPARE_FAILED: loadError(
    'A replica could not prepare the version',
    'See the reason; SIGHUP tries again',
  ),
  VERSION_POISONED: loadError(
    'Replicas died while this version ran: it is not loaded again',
    'Publish other files, or load the model explicitly once its cause is mended; docs/decisions/0008-poison.md says what counts',
  ),
  WARMUP_FAILED: loadError(
    'A warm-up sample that the version asks for cannot be run',
    'Correct the sample that the reason names, or the model',
  ),
  BINDING_FAILED: loadError(
    'The version lacks inputs that its endpoint promises, or has others',
    'Give it the contract of its endpoint, or make a new model',
  ),
  // start-up, files, tools
  CONFIG_INVALID: loadError('sluice.yaml, a flag or a variable is invalid', 'Run `sluice check`'),
  FILE_INVALID: loadError(
    'A file or folder that the command line was told cannot be read or written, or is not what is wanted there',
    'See the reason; check its path, its rights and what is in it',
  ),
  REPOSITORY_UNREADABLE: loadError(
    'The model repository, or a file in it, cannot be read',
    'Check path and rights',
  ),
  PORT_IN_USE: loadError('Another program owns the port', 'Stop it, or choose another port'),
  STATE_DIR_LOCKED: loadError(
    'Another Sluice uses this state folder',
    'Stop it, or give this one its own `--state-dir`',
  ),
  STATE_TOO_NEW: loadError(
    'A state file was written by a newer Sluice',
    'Run that version, or start with a fresh state folder',
  ),
  STATE_CORRUPT: loadError('A state file cannot be read', 'Restore it, or move it away'),
  STATE_DIR_INVALID: loadError(
    'The state folder is a file, holds the files of somebody else, is open to others, or cannot be made',
    'Name an empty or new folder with `--state-dir`',
  ),
  STATE_UNWRITABLE: loadError(
    'The state folder cannot be written: the disk is full or read-only, or rights are missing',
    'Make room, correct the rights, or choose another `--state-dir`',
  ),
  SOCKET_PATH_TOO_LONG: loadError(
    'The path of the control socket exceeds 107 bytes',
    'Choose a shorter `--state-dir`',
  ),
  REPLICAS_UNREACHABLE: loadError(
    'Control answers, but nobody answers at the address of the data plane',
    'Run `sluice status`: it says how the replicas are',
  ),
  SERVER_TIMEOUT: loadError(
    'A server took what the command line asked for and did not answer in time',
    'Look at its log, or wait longer with `--timeout`',
  ),
} as const satisfies Record<string, ErrorEntry>
