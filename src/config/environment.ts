/** The environment of this process: the one place that reads it. */

export type Environment = Readonly<Record<string, string | undefined>>

export const environment = (): Environment => process.env
