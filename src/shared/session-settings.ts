/** How ONNX Runtime runs a version, as its model.yaml or config.pbtxt asks. */

export const GRAPH_OPTIMIZATIONS = ['disabled', 'basic', 'extended', 'all'] as const
export const EXECUTION_MODES = ['sequential', 'parallel'] as const
export const PROVIDERS = ['cpu', 'cuda'] as const

/** What is asked of CUDA. ONNX Runtime's binding for Node passes on the device and nothing else. */
export interface CudaSettings {
  /** GPUs as CUDA counts them: the first session of a replica has the first one, and so on. */
  readonly deviceIds: readonly number[]
  /** Whether the version fails where there is no such GPU; else the CPU runs it. */
  readonly isRequired: boolean
  /** Most memory of the GPU that the proving run may take; null: as much as there is. */
  readonly memoryBytesMax: number | null
}

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
  /** null where `providers` does not name it, and in plans of an earlier release. */
  readonly cuda: CudaSettings | null
}

export const DEFAULT_CUDA: CudaSettings = {
  deviceIds: [0],
  isRequired: false,
  memoryBytesMax: null,
}

export const DEFAULT_SESSION: SessionSettings = {
  intraOpThreads: 1,
  interOpThreads: 1,
  executionMode: 'sequential',
  graphOptimization: 'all',
  memoryArena: true,
  memoryPattern: true,
  providers: ['cpu'],
  cuda: null,
}

/** Those of a plan that may come from another release: what it does not say is the default. */
export const completeSession = (said: Partial<SessionSettings> = {}): SessionSettings => ({
  ...DEFAULT_SESSION,
  ...said,
})

/** Whether some of it is to run on a GPU. */
export const usesGpu = ({ providers }: Pick<SessionSettings, 'providers'>): boolean =>
  providers.includes('cuda')

/** GPU of each session of a replica, in turn; none: the CPU runs all. */
export const gpusOf = (settings: Pick<SessionSettings, 'providers' | 'cuda'>): readonly number[] =>
  usesGpu(settings) ? (settings.cuda ?? DEFAULT_CUDA).deviceIds : []

/** Settings of the session with this index in a replica: of its one GPU. */
export const sessionAt = (settings: SessionSettings, index: number): SessionSettings => {
  const gpus = gpusOf(settings)
  if (gpus.length === 0) return settings
  const deviceIds = [gpus[index % gpus.length]!]
  return { ...settings, cuda: { ...(settings.cuda ?? DEFAULT_CUDA), deviceIds } }
}

/** The same without a GPU. */
export const onCpu = (settings: SessionSettings): SessionSettings => ({
  ...settings,
  providers: ['cpu'],
  cuda: null,
})
