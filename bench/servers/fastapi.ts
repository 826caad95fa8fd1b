/** What people use today: bench/peers/fastapi, in a virtual environment made when it is wanted. */

import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { end, freePort, REPOSITORY_ROOT, start, until } from '../measure/processes.ts'
import { type Server, threadsOf } from './server.ts'

const PEER = join(REPOSITORY_ROOT, 'bench/peers/fastapi')
const VENV = join(REPOSITORY_ROOT, 'bench/.venv')
const LOCK = join(PEER, 'requirements.lock.txt')
const INSTALLED = join(VENV, 'installed.lock.txt')

const isInstalled = (): boolean =>
  existsSync(INSTALLED) && readFileSync(INSTALLED, 'utf8') === readFileSync(LOCK, 'utf8')

/** Installs what the lock file names; the reason if that does not succeed, else null. */
export const provisionFastapi = (): string | null => {
  if (isInstalled()) return null
  try {
    rmSync(VENV, { recursive: true, force: true })
    execFileSync('python3', ['-m', 'venv', VENV], { stdio: 'pipe' })
    const pip = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--requirement', LOCK]
    execFileSync(join(VENV, 'bin/python'), pip, { stdio: 'pipe', timeout: 300_000 })
    copyFileSync(LOCK, INSTALLED)
    return null
  } catch (error) {
    return `its packages cannot be installed: ${String((error as Error).message).split('\n')[0]}`
  }
}

export const startFastapi = async (modelFile: string): Promise<Server> => {
  const port = await freePort()
  const options = ['--port', `${port}`, '--no-access-log', '--log-level', 'warning']
  const command = [join(VENV, 'bin/python'), '-m', 'uvicorn', 'app:app', ...options]
  const env = { MODEL: join(REPOSITORY_ROOT, modelFile) }
  const child = start(command, { core: 'server', cwd: PEER, env })
  await until('FastAPI', 30_000, async () => {
    if (child.exitCode !== null) throw new Error(`uvicorn ended with ${child.exitCode}`)
    try {
      return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
    } catch {
      return false // nobody listens yet
    }
  })
  const allThreads = () => threadsOf([child.pid ?? 0])
  return {
    name: 'fastapi',
    port,
    path: '/predict',
    dataThreads: allThreads,
    allThreads,
    stop: () => end(child, 'SIGTERM'),
  }
}
