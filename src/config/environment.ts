/** The environment of this process: the one place that reads it. */

export type Environment = Readonly<Record<string, string | undefined>>

export const environment = (): Environment => process.env

/**
 * ONNX Runtime reports its use to its maker over HTTPS, from a thread of its own. The processes
 * that load it inherit this; who wants the reports sets the variable to something else.
 */
export const forbidTelemetry = (): void => {
  process.env['ORT_DISABLE_TELEMETRY'] ??= '1'
}

/** The processes that are started from now on have their code cache (shared/code-cache.ts) here. */
export const placeCodeCache = (folder: string): void => {
  process.env['NODE_COMPILE_CACHE'] ??= folder
}
