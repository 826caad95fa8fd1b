/** Clients that ask, wait for the answer and ask again. */

import { Agent, request } from 'node:http'
import { atEnd } from './clean-up.ts'

export interface LoopAnswer {
  readonly status: number
  readonly version: string
  readonly epoch: string
  readonly requestId: string
  readonly predictionId: string
  readonly sentId: string
  readonly body: string
}

export interface LoopResult {
  readonly answers: readonly LoopAnswer[]
  /** How many there were, kept or not. */
  readonly answered: number
  /** Connections that broke under a request: what was in flight when a process died. */
  readonly broken: number
}

export interface LoopTarget {
  readonly port: number
  readonly path: string
  readonly body: string
  /** False: a new connection for every request. Default true. */
  readonly isKeptAlive?: boolean
}

const ask = (target: LoopTarget, agent: Agent, sentId: string): Promise<LoopAnswer> =>
  new Promise((resolve, reject) => {
    const { port, path, body } = target
    const headers = { 'content-type': 'application/json', 'x-request-id': sentId }
    const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers })
    sent.once('error', reject)
    sent.once('response', (response) => {
      const chunks: Buffer[] = []
      const header = (name: string) => String(response.headers[name] ?? '')
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', reject)
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          version: header('x-sluice-version'),
          epoch: header('x-sluice-epoch'),
          requestId: header('x-request-id'),
          predictionId: header('x-sluice-prediction-id'),
          sentId,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    sent.end(body)
  })

/**
 * Starts `clients` loops; where `judge` is given it sees each answer, and none is kept. `stop` ends
 * them after their present request and resolves with all that was answered; `answered(n)` resolves
 * when n more answers have come (no sleep needed to be sure that load is on).
 */
export const startClosedLoop = (
  target: LoopTarget,
  clients: number,
  judge?: (answer: LoopAnswer) => void,
) => {
  const answers: LoopAnswer[] = []
  let answered = 0
  let waiting: { at: number; resolve: () => void }[] = []
  let broken = 0
  let isStopping = false
  const agent = new Agent({ keepAlive: target.isKeptAlive ?? true, maxSockets: clients })
  atEnd(() => {
    isStopping = true
    agent.destroy()
  })
  const note = (answer: LoopAnswer) => {
    answered++
    if (judge === undefined) answers.push(answer)
    else judge(answer)
    const due = waiting.filter(({ at }) => at <= answered)
    if (due.length === 0) return
    for (const { resolve } of due) resolve()
    waiting = waiting.filter(({ at }) => at > answered)
  }
  const loop = async (client: number) => {
    for (let i = 0; !isStopping; i++) {
      try {
        note(await ask(target, agent, `c${client}-${i}`))
      } catch {
        broken++
        // A refused connection answers at once; without a pause this loop would spin.
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }
  const loops = Array.from({ length: clients }, (_, client) => loop(client))
  return {
    answered: (more: number): Promise<void> =>
      new Promise((resolve) => waiting.push({ at: answered + more, resolve })),
    stop: async (): Promise<LoopResult> => {
      isStopping = true
      await Promise.all(loops)
      agent.destroy()
      return { answers, answered, broken }
    },
  }
}
