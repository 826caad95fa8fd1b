/** A replica is killed under load, alone as it is (R = 1): how long until Sluice answers again. */

import { Agent, request } from 'node:http'
import { FEATURES_BODY, MLP_REPOSITORY } from './fixtures.ts'
import { until } from './measure/processes.ts'
import { spreadOf } from './measure/statistics.ts'
import type { BenchOptions } from './options.ts'
import { writeResult } from './result-file.ts'
import { type SluiceServer, startSluice } from './servers/sluice.ts'

const CLIENTS = 16
const WANTED_MS = 1_500
const SIGNALS = ['SIGKILL', 'SIGSEGV'] as const
const WAITED_MS_MAX = 20_000

/** Clients that ask for ever and connect again when their connection breaks. */
class Clients {
  answers = 0
  lastAnswerMs = 0
  broken = 0
  #isStopped = false
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  readonly #server: SluiceServer

  constructor(server: SluiceServer) {
    this.#server = server
    for (let client = 0; client < CLIENTS; client++) void this.#loop()
  }

  stop(): void {
    this.#isStopped = true
    this.#agent.destroy()
  }

  #ask(): Promise<boolean> {
    return new Promise((resolve) => {
      const { port, path } = this.#server
      const headers = { 'content-type': 'application/json' }
      const options = { host: '127.0.0.1', port, path, method: 'POST', headers, agent: this.#agent }
      const sent = request(options, (response) => {
        response.resume()
        response.once('end', () => resolve(response.statusCode === 200))
        response.once('error', () => resolve(false))
      })
      sent.once('error', () => resolve(false))
      sent.end(FEATURES_BODY)
    })
  }

  async #loop(): Promise<void> {
    while (!this.#isStopped) {
      if (await this.#ask()) {
        this.answers++
        this.lastAnswerMs = performance.now()
      } else {
        this.broken++
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
  }
}

/** Milliseconds from the kill to the first answer of the replica's successor. */
const killOnce = async (
  server: SluiceServer,
  clients: Clients,
  signal: NodeJS.Signals,
): Promise<number> => {
  const pid = server.replicaPid()
  if (pid === 0) throw new Error('There is no replica')
  const before = clients.answers
  await until('load', WAITED_MS_MAX, () => clients.answers > before + 200)
  const killedMs = performance.now()
  process.kill(pid, signal)
  await until('the successor', WAITED_MS_MAX, () => ![0, pid].includes(server.replicaPid()))
  const sinceMs = performance.now()
  await until('an answer', WAITED_MS_MAX, () => clients.lastAnswerMs > sinceMs)
  return clients.lastAnswerMs - killedMs
}

/** False when a recovery takes too long. A gateway for each kill: repeated deaths back off. */
export const runRecovery = async (options: BenchOptions): Promise<boolean> => {
  const rounds = Math.min(options.rounds, 3)
  const times: Record<string, number[]> = {}
  for (const signal of SIGNALS) {
    const some: number[] = []
    times[signal] = some
    for (let round = 0; round < rounds; round++) {
      const server = await startSluice({
        repository: MLP_REPOSITORY,
        endpoint: 'mlp',
        stateDir: null,
      })
      const clients = new Clients(server)
      try {
        some.push(await killOnce(server, clients, signal))
      } finally {
        clients.stop()
        await server.stop()
      }
    }
  }
  let isMet = true
  for (const [signal, some] of Object.entries(times)) {
    const { median, lowest, highest } = spreadOf(some)
    const isFast = highest <= WANTED_MS
    isMet &&= isFast
    const range = `${lowest.toFixed(0)}-${highest.toFixed(0)}`
    console.log(
      `${isFast ? 'ok    ' : 'FAILED'} answers after ${signal}: ${median.toFixed(0)} ms (${range}), at most ${WANTED_MS}`,
    )
  }
  writeResult(options, { wantedMs: WANTED_MS, clients: CLIENTS, times })
  return isMet || options.isTiny
}
