"""KServe's `InferenceGRPCClient`: health, and inference raw and by contents."""

import asyncio
import itertools
import logging

import grpc
import numpy as np
from harness import case, check, contains, equal
from kserve import InferenceGRPCClient, InferRequest
from kserve.protocol.infer_type import RequestedOutput
from kserve_common import NUMPY, tensor

# It logs every refusal with its trace.
logging.getLogger("kserve").setLevel(logging.CRITICAL)


def _case(name):
    """Declares a case: a coroutine of a client."""

    def declare(function):
        @case(name)
        def run(address):
            async def ask():
                async with InferenceGRPCClient(address, timeout=20, retries=0) as client:
                    await function(client)

            asyncio.run(ask())

        return function

    return declare


async def _refused(status, call):
    """The text with which `call` must be refused."""
    try:
        result = await call
    except grpc.RpcError as error:
        equal(error.code().name, status, error.details())
        return error.details()
    raise AssertionError(f"got {result!r}, wanted {status}")


def _texts(data):
    return [one if isinstance(one, str) else bytes(one).decode() for one in data.flat]


@_case("live_and_ready")
async def live(client):
    equal(await client.is_server_live(), True)
    equal(await client.is_server_ready(), True)


@_case("model_ready")
async def model_ready(client):
    equal(await client.is_model_ready("simple"), True)
    equal(await client.is_model_ready("absent"), False)


def _declare(datatype, binary):
    @_case(f"datatypes/{datatype}_{'raw' if binary else 'contents'}")
    async def round_trip(client):
        data = NUMPY[datatype]
        inputs = [tensor("INPUT0", datatype, data, binary)]
        answer = await client.infer(InferRequest(f"identity_{datatype.lower()}", inputs))
        equal(answer.model_name, f"identity_{datatype.lower()}")
        [output] = answer.outputs
        got = output.as_numpy()
        equal(tuple(got.shape), data.shape)
        if datatype == "BYTES":
            equal(_texts(got), _texts(data))
        else:
            check(np.array_equal(got, data), f"got {got}, wanted {data}")


for one in itertools.product(NUMPY, (True, False)):
    _declare(*one)


def _pair(binary=True):
    row = np.arange(16, dtype=np.int32).reshape(1, 16)
    return [tensor(f"INPUT{i}", "INT32", row, binary) for i in range(2)]


@_case("infer/two_outputs")
async def two_outputs(client):
    for binary in (True, False):
        answer = await client.infer(InferRequest("simple", _pair(binary), request_id="mine"))
        equal(answer.id, "mine")
        found = {one.name: one.as_numpy().tolist() for one in answer.outputs}
        equal(found["OUTPUT0"], [[2 * i for i in range(16)]])
        equal(found["OUTPUT1"], [[0] * 16])


@_case("infer/requested_outputs")
async def requested(client):
    request = InferRequest("simple", _pair(), request_outputs=[RequestedOutput("OUTPUT1")])
    answer = await client.infer(request)
    equal([one.name for one in answer.outputs], ["OUTPUT1"])


@_case("infer/parameters_and_headers")
async def parameters(client):
    request = InferRequest("simple", _pair(), parameters={"a": "b", "c": True, "d": 1})
    answer = await client.infer(request, headers=(("x-request-id", "own"),))
    equal(len(answer.outputs), 2)


@_case("infer/many_at_once")
async def many(client):
    asked = [client.infer(InferRequest("simple", _pair())) for _ in range(40)]
    for answer in await asyncio.gather(*asked):
        equal(len(answer.outputs), 2)


@_case("errors/unknown_model")
async def unknown_model(client):
    text = await _refused("NOT_FOUND", client.infer(InferRequest("absent", _pair())))
    contains(text, "absent")


@_case("errors/missing_input")
async def missing_input(client):
    text = await _refused("INVALID_ARGUMENT", client.infer(InferRequest("simple", _pair()[:1])))
    contains(text, "INPUT1")


@_case("errors/wrong_datatype")
async def wrong_datatype(client):
    inputs = [tensor(f"INPUT{i}", "FP32", np.ones((1, 16), np.float32), True) for i in range(2)]
    await _refused("INVALID_ARGUMENT", client.infer(InferRequest("simple", inputs)))


@_case("errors/timeout")
async def timeout(client):
    data = np.array([[1500, 1500]], np.float32)
    request = InferRequest("slow", [tensor("x", "FP32", data, True)])
    await _refused("DEADLINE_EXCEEDED", client.infer(request, timeout=0.1))
    equal(await client.is_server_live(), True)
