/** Ports between threads that are none: messages are heard when the test says so. */

import type { MessagePort } from 'node:worker_threads'

type Listener = (message: unknown) => void

/** One end of a channel: what is posted lies in the inbox of the other until it is delivered. */
export class PuppetPort {
  readonly inbox: unknown[] = []
  peer: PuppetPort | null = null
  #listener: Listener = () => {}
  onPost = () => {}

  on(_: 'message', listener: Listener): void {
    this.#listener = listener
  }

  postMessage(message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    this.onPost()
    this.peer?.inbox.push(structuredClone(message, { transfer: [...transfer] }))
  }

  deliver(): void {
    for (const message of this.inbox.splice(0)) this.#listener(message)
  }
}

/** Two ends. */
export const channel = (): [PuppetPort, PuppetPort] => {
  const ends: [PuppetPort, PuppetPort] = [new PuppetPort(), new PuppetPort()]
  ends[0].peer = ends[1]
  ends[1].peer = ends[0]
  return ends
}

/** What stands for a real port. */
export const portOf = (port: PuppetPort): MessagePort => port as unknown as MessagePort
