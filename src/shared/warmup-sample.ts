/** What a version is warmed up with, as its files ask (Triton's `model_warmup`). */

/** `file`: below the folder `warmup` of the model. */
export type WarmupData =
  | { readonly kind: 'zero' }
  | { readonly kind: 'random' }
  | { readonly kind: 'file'; readonly file: string }

export interface WarmupInput {
  readonly name: string
  /** Without `TYPE_`; STRING is BYTES. There are some that no model here has, such as FP16. */
  readonly datatype: string
  /** Of one row, where the model has rows. */
  readonly dims: readonly number[]
  readonly data: WarmupData
}

/** One request, made up. */
export interface WarmupSample {
  readonly name: string
  /** Rows, all the same. */
  readonly batchSize: number
  /** Runs. */
  readonly count: number
  readonly inputs: readonly WarmupInput[]
}

/** Where the bytes of a sample's file are kept. */
export interface WarmupFile {
  readonly path: string
  readonly sha256: string
}
