/** How ONNX Runtime runs a version, as its model.yaml or config.pbtxt asks. */

export const GRAPH_OPTIMIZATIONS = ['disabled', 'basic', 'extended', 'all'] as const
export const EXECUTION_MODES = ['sequential', 'parallel'] as const
export const PROVIDERS = ['cpu', 'cuda'] as const

export interface SessionSettings {
  /** Threads of one operator, the data thread among them; 0: one for each core. */
  readonly intraOpThreads: number
  /** Threads of a graph in `parallel` mode; 0: one for each core. */
  readonly interOpThreads: number
  readonly executionMode: (typeof EXECUTION_MODES)[number]
  /** Of the copy that is made when the version is proved. */
  readonly graphOptimization: (typeof GRAPH_OPTIMIZATIONS)[number]
  readonly memoryArena: boolean
  readonly memoryPattern: boolean
  /** By falling preference; what none of them can run, the CPU does. */
  readonly providers: readonly (typeof PROVIDERS)[number][]
}

export const DEFAULT_SESSION: SessionSettings = {
  intraOpThreads: 1,
  interOpThreads: 1,
  executionMode: 'sequential',
  graphOptimization: 'all',
  memoryArena: true,
  memoryPattern: true,
  providers: ['cpu'],
}

/** Those of a plan that may come from another release: what it does not say is the default. */
export const completeSession = (said: Partial<SessionSettings> = {}): SessionSettings => ({
  ...DEFAULT_SESSION,
  ...said,
})
