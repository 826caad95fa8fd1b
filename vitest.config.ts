import { defineConfig } from 'vitest/config'
import { PROJECTS, type Project, timeoutMsOf } from './scripts/tier/projects.ts'
import { runsFactor } from './test/helpers/runs-factor.ts'

const projects = Object.entries<Project>(PROJECTS).map(([name, project]) => {
  const timeoutMs = timeoutMsOf(project, runsFactor())
  return {
    test: {
      name,
      include: [project.include],
      setupFiles: ['test/helpers/seeds.ts', 'test/helpers/set-up.ts'],
      env: { ORT_DISABLE_TELEMETRY: '1' },
      // Nothing is mocked, so files can share what they import: most of the time of a small one.
      isolate: false,
      fileParallelism: project.startsProcesses !== true,
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
    },
  }
})

/** By default one core is left to others: on two cores, half of the machine. */
export default defineConfig({ test: { projects, maxWorkers: '100%' } })
