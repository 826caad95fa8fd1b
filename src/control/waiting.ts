/** Conditions that somebody waits for; each is looked at when `tell` is called. */
export class Waiting {
  #all: { condition: () => boolean; resolve: () => void }[] = []

  readonly when = (condition: () => boolean): Promise<void> =>
    condition()
      ? Promise.resolve()
      : new Promise((resolve) => void this.#all.push({ condition, resolve }))

  tell(): void {
    const met = this.#all.filter(({ condition }) => condition())
    this.#all = this.#all.filter((waiter) => !met.includes(waiter))
    for (const { resolve } of met) resolve()
  }
}
