/** Which versions a thread holds sessions of: told to its agent whenever that changes. */

interface Disposable {
  dispose(): void
}

export class HeldVersions {
  readonly #tell: (numbers: readonly number[]) => void
  /** Sessions by number of the version (version-numbers.ts): with other settings it has two. */
  readonly #sessions = new Map<number, number>()

  constructor(tell: (numbers: readonly number[]) => void) {
    this.#tell = tell
  }

  /** The same load, counted until what it gave has been disposed of. */
  counting<P, S extends Disposable>(load: (planned: P, number: number) => S) {
    return (planned: P, number: number): S => {
      const session = load(planned, number)
      this.#add(number, 1)
      const dispose = (): void => {
        session.dispose()
        this.#add(number, -1)
      }
      return { ...session, dispose }
    }
  }

  #add(number: number, delta: 1 | -1): void {
    const sessions = (this.#sessions.get(number) ?? 0) + delta
    if (sessions === 0) this.#sessions.delete(number)
    else this.#sessions.set(number, sessions)
    this.#tell([...this.#sessions.keys()])
  }
}
