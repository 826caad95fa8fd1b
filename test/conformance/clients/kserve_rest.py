"""KServe's `InferenceRESTClient`, with its protocols v2 (Open Inference) and v1 (TensorFlow's)."""

import asyncio
import itertools

import httpx
import numpy as np
from harness import case, check, contains, equal
from kserve import InferenceRESTClient, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput
from kserve_common import NUMPY, tensor


def _ask(address, protocol, use):
    """Runs `use(client, base URL)` to its end."""

    async def run():
        config = RESTConfig(protocol=protocol, timeout=20, retries=0)
        async with InferenceRESTClient(config) as client:
            return await use(client, f"http://{address}")

    return asyncio.run(run())


def _declare(name, protocol):
    """Declares a case: a coroutine of client and base URL."""

    def declare(function):
        @case(f"{protocol}/{name}")
        def run(address):
            _ask(address, protocol, function)

        return function

    return declare


def _v2(name):
    return _declare(name, "v2")


def _v1(name):
    return _declare(name, "v1")


def _request(model, inputs, **more):
    return InferRequest(model, inputs, **more)


async def _refused(status, call):
    """The text with which `call` must be refused."""
    try:
        result = await call
    except httpx.HTTPStatusError as error:
        equal(error.response.status_code, status, str(error))
        return str(error)
    raise AssertionError(f"got {result!r}, wanted status {status}")


def _texts(data):
    return [one.decode() if isinstance(one, bytes) else one for one in data.flatten().tolist()]


def _identity(datatype, binary_in, binary_out):
    way = f"{'binary' if binary_in else 'json'}_to_{'binary' if binary_out else 'json'}"

    @_v2(f"{datatype}_{way}")
    async def run(client, url):
        data, model = NUMPY[datatype], f"identity_{datatype.lower()}"
        inputs = [tensor("INPUT0", datatype, data, binary_in)]
        parameters = {"binary_data_output": True} if binary_out else None
        request = _request(model, inputs, parameters=parameters)
        headers = {}
        answer = await client.infer(url, request, model_name=model, response_headers=headers)
        got = answer.outputs[0].as_numpy()
        equal(got.shape, data.shape)
        equal(_texts(got), _texts(data))
        equal("inference-header-content-length" in headers, binary_out, "binary answer")


for one in itertools.product(NUMPY, (True, False), (True, False)):
    _identity(*one)


@_v2("live")
async def live(client, url):
    equal(await client.is_server_live(url), True)


@_v2("ready")
async def ready(client, url):
    equal(await client.is_server_ready(url), True)


@_v2("model_ready")
async def model_ready(client, url):
    equal(await client.is_model_ready(url, "simple"), True)
    equal(await client.is_model_ready(url, "absent"), False)


def _pair(binary):
    a = np.arange(16, dtype=np.int32).reshape(1, 16)
    b = np.full((1, 16), 3, np.int32)
    inputs = [tensor("INPUT0", "INT32", a, binary), tensor("INPUT1", "INT32", b, binary)]
    return inputs, (a + b).flatten().tolist(), (a - b).flatten().tolist()


@_v2("several_outputs")
async def several_outputs(client, url):
    """All outputs, one of them, and each in the form that it asks for."""
    for binary in (True, False):
        inputs, total, difference = _pair(binary)
        answer = await client.infer(url, _request("simple", inputs), model_name="simple")
        equal([output.name for output in answer.outputs], ["OUTPUT0", "OUTPUT1"])
        equal(answer.outputs[1].as_numpy().flatten().tolist(), difference)
        outputs = [
            RequestedOutput("OUTPUT1", {"binary_data": True}),
            RequestedOutput("OUTPUT0", {"binary_data": False}),
        ]
        request = _request("simple", inputs, request_outputs=outputs)
        answer = await client.infer(url, request, model_name="simple")
        equal([output.name for output in answer.outputs], ["OUTPUT1", "OUTPUT0"])
        equal(answer.outputs[0].as_numpy().flatten().tolist(), difference)
        equal(answer.outputs[1].as_numpy().flatten().tolist(), total)


@_v2("dictionary")
async def dictionary(client, url):
    """A request written by hand, nested, with no key that the protocol lacks."""
    entry = {"name": "x", "shape": [2, 3], "datatype": "FP32", "data": [[1, 2, 3], [4, 5, 6]]}
    answer = await client.infer(url, {"inputs": [entry]}, model_name="versions")
    equal(answer.outputs[0].as_numpy().tolist(), [[1, 2, 3], [4, 5, 6]])
    equal(answer.model_name, "versions")


@_v2("request_id")
async def request_id(client, url):
    inputs, _, _ = _pair(True)
    request = _request("simple", inputs, request_id="an id")
    answer = await client.infer(url, request, model_name="simple")
    equal(answer.id, "an id")


@_v2("parameters")
async def parameters(client, url):
    inputs, total, _ = _pair(False)
    request = _request("simple", inputs, parameters={"a": 1, "b": "two", "c": True})
    answer = await client.infer(url, request, model_name="simple")
    equal(answer.outputs[0].data, total)


@_v2("headers")
async def headers(client, url):
    inputs, _, _ = _pair(False)
    got = {}
    sent = {"x-request-id": "kserve-1"}
    request = _request("simple", inputs)
    await client.infer(url, request, model_name="simple", headers=sent, response_headers=got)
    equal(got["x-request-id"], "kserve-1")


@_v2("many_at_once")
async def many(client, url):
    async def one(i):
        data = np.full((1, 4), i, np.float32)
        request = _request("identity_fp32", [tensor("INPUT0", "FP32", data, i % 2 == 0)])
        answer = await client.infer(url, request, model_name="identity_fp32")
        equal(answer.outputs[0].as_numpy().tolist(), data.tolist())

    await asyncio.gather(*(one(i) for i in range(50)))


@_v2("errors")
async def errors(client, url):
    """KServe's client reads `error` of a JSON body; whatever it is called, it is a message."""
    inputs, _, _ = _pair(False)
    text = await _refused(404, client.infer(url, _request("absent", inputs), model_name="absent"))
    contains(text, "absent")
    request = _request("simple", inputs[:1])
    contains(await _refused(400, client.infer(url, request, model_name="simple")), "INPUT1")
    wrong = [tensor("INPUT0", "FP32", np.ones((1, 16), np.float32), True), inputs[1]]
    request = _request("simple", wrong)
    contains(await _refused(400, client.infer(url, request, model_name="simple")), "INPUT0")


@_v2("timeout")
async def timeout(client, url):
    data = np.full((1, 2), 400, np.float32)
    request = _request("slow", [tensor("x", "FP32", data, False)])
    try:
        await client.infer(url, request, model_name="slow", timeout=0.02)
    except httpx.TimeoutException:
        pass
    else:
        raise AssertionError("no timeout")
    equal(await client.is_server_live(url), True)


@_v1("predict_rows")
async def predict_rows(client, url):
    rows = [[1, 2, 3], [4, 5, 6]]
    answer = await client.infer(url, {"instances": rows}, model_name="versions")
    equal(answer, {"predictions": rows})


@_v1("predict_named_inputs")
async def predict_named(client, url):
    row = {"INPUT0": list(range(16)), "INPUT1": [3] * 16}
    answer = await client.infer(url, {"instances": [row, row]}, model_name="simple")
    equal(len(answer["predictions"]), 2)
    equal(answer["predictions"][0]["OUTPUT0"], [i + 3 for i in range(16)])


@_v1("predict_text")
async def predict_text(client, url):
    rows = [["a", "ä€😀"]]
    answer = await client.infer(url, {"instances": rows}, model_name="identity_bytes")
    equal(answer, {"predictions": rows})


@_v1("predict_example")
async def predict_example(client, url):
    """Rows are of the tensors that the metadata names, as TensorFlow's are."""
    texts = ["EWR", "IAH", "UA", "Tue"]
    numbers = [315, 1400, 14, 149, 39.02, 61.63, 12.66, 0, 0, 1012.3, 10, 0, 0]
    row = {"numeric": numbers, "categorical": texts}
    answer = await client.infer(url, {"instances": [row, row]}, model_name="flight-delay")
    equal(len(answer["predictions"]), 2)
    equal(answer["predictions"][0], answer["predictions"][1])


@_v1("predict_errors")
async def predict_errors(client, url):
    rows = {"instances": [[1, 2, 3]]}
    contains(await _refused(404, client.infer(url, rows, model_name="absent")), "absent")
    for bad in ({}, {"instances": "x"}, {"instances": [[1, 2]]}, {"instances": [[1, 2, "x"]]}):
        text = await _refused(400, client.infer(url, bad, model_name="versions"))
        check(not text.startswith(","), f"no message: {text}")


@_v1("model_ready")
async def v1_model_ready(client, url):
    equal(await client.is_model_ready(url, "simple"), True)


@_v1("model_ready_unknown")
async def v1_model_ready_unknown(client, url):
    await _refused(404, client.is_model_ready(url, "absent"))


@_v1("live")
async def v1_live(client, url):
    """KServe's v1 says at `/` that it is alive."""
    equal(await client.is_server_live(url), True)


@_v1("explain_is_not_offered")
async def explain(client, url):
    await _refused(501, client.explain(url, "simple", {"instances": [[1]]}))
