import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runPython } from '../helpers/client-program.ts'
import { makeConformanceRepository } from '../helpers/conformance-models.ts'
import { EXAMPLE_REPOSITORY } from '../helpers/example.ts'
import { startGateway } from '../helpers/gateway.ts'
import { identity } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { clientConformanceSuite } from '../helpers/suites/client-conformance.ts'

clientConformanceSuite('tritonclient', makeConformanceRepository(), ['uws', 'node', 'grpc'])

const numbersOf = (text = ''): number[] => text.match(/\d\.\d+/g)?.map(Number) ?? []

test('README.md, docs/guides/grpc.md: programs in Python print what stands below them', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  for (const page of ['README.md', 'docs/guides/grpc.md']) {
    const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8')
    const program = /```python\n([\s\S]+?)```/.exec(text)?.[1] ?? ''
    const shown = numbersOf(/^# (.+)$/m.exec(program)?.[1])
    expect(shown, page).toHaveLength(2)
    const own = program
      .replace('127.0.0.1:8000', `127.0.0.1:${gateway.httpPort}`)
      .replace('127.0.0.1:8001', `127.0.0.1:${gateway.grpcPort}`)
    // The last digit is that of the CPU.
    const near = shown.map((value) => expect.closeTo(value, 6))
    expect(numbersOf(runPython('tritonclient', own)), page).toEqual(near)
  }
})

const LOADS = `
import time
import tritonclient.HALF as half
from tritonclient.utils import InferenceServerException

client = half.InferenceServerClient("ADDRESS")

def state():
    rows = client.get_model_repository_index(**({"as_json": True} if "HALF" == "grpc" else {}))
    rows = rows["models"] if "HALF" == "grpc" else rows
    return [(row.get("state"), row.get("reason", "")) for row in rows]

def drained():
    for _ in range(1000):
        if state()[0][0] != "UNLOADING":
            break
        time.sleep(0.01)
    return state()[0]

def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return error.message()

print(state(), client.is_model_ready("m"))
client.load_model("m")
print(state(), client.is_model_ready("m"))
client.unload_model("m", unload_dependents=True)
print(client.is_model_ready("m"), drained())
print(refused(lambda: client.load_model("n")))
print(refused(lambda: client.load_model("m", config="{}")))
`

test('tritonclient loads and unloads in the explicit mode', async () => {
  const repository = makeRepository({ 'm/1/model.onnx': identity('FP32') })
  const flags = ['--model-control-mode', 'explicit']
  const gateway = await startGateway({ repository, flags })
  for (const [half, port] of [
    ['http', gateway.httpPort],
    ['grpc', gateway.grpcPort],
  ] as const) {
    const program = LOADS.replaceAll('HALF', half).replace('ADDRESS', `127.0.0.1:${port}`)
    const [before, loaded, unloaded, ...refusals] = runPython('tritonclient', program).split('\n')
    expect(before).toBe("[('UNAVAILABLE', 'unloaded')] False")
    expect(loaded).toBe("[('READY', '')] True")
    expect(unloaded).toBe("False ('UNAVAILABLE', 'unloaded')")
    expect(refusals[0]).toBe("failed to load 'n', failed to poll from model repository")
    expect(refusals[1]).toMatch(/takes no files or config by request/)
  }
})
