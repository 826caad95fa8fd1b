"""`ModelStreamInfer` as tritonclient uses it: one answer for every message, errors among them."""

import asyncio

import grpc
import numpy as np
import tritonclient.grpc.aio as triton_aio
from grpc_common import (
    Answers,
    connect,
    pair,
    raw_request,
    same,
    status_of,
    still_alive,
    stub,
    tensor,
    typed_request,
)
from harness import case, check, contains, equal, raises


def _row(value):
    return np.full((1, 4), value, np.float32)


def _send(client, value, model="identity_fp32", **options):
    client.async_stream_infer(model, [tensor("INPUT0", "FP32", _row(value))], **options)


def _by_id(answers, count):
    got = [answers.result() for _ in range(count)]
    found = {one.get_response().id: one for one in got}
    equal(len(found), count, "answers of different requests")
    return found


@case("stream/one")
def one(address):
    with connect(address) as client:
        answers = Answers()
        client.start_stream(answers)
        inputs, total, difference = pair()
        client.async_stream_infer("simple", inputs, request_id="only")
        result = answers.result()
        same(result.as_numpy("OUTPUT0"), total)
        same(result.as_numpy("OUTPUT1"), difference)
        equal(result.get_response().id, "only")
        client.stop_stream()


@case("stream/many")
def many(address):
    """Two hundred messages under way at once; what was sent before the end is answered after it."""
    with connect(address) as client:
        answers = Answers()
        client.start_stream(answers)
        for i in range(200):
            _send(client, i, request_id=str(i))
        client.stop_stream()
        for name, result in _by_id(answers, 200).items():
            same(result.as_numpy("OUTPUT0"), _row(int(name)))


@case("stream/errors_are_answers")
def errors(address):
    """An error is that of its message; the stream goes on."""
    with connect(address) as client:
        answers = Answers()
        client.start_stream(answers)
        for _ in range(3):
            _send(client, 1, "absent", request_id="bad")
            contains(answers.error().message(), "absent")
            client.async_stream_infer("simple", pair()[0][:1])
            contains(answers.error().message(), "INPUT1")
            _send(client, 2, request_id="good")
            same(answers.result().as_numpy("OUTPUT0"), _row(2))
        client.stop_stream()


@case("stream/error_has_the_id_of_its_request")
def error_id(address):
    request = typed_request("absent", "FP32", [1, 1], [1], id="seven")
    with stub(address) as calls:
        [answer] = calls.ModelStreamInfer(iter([request]), timeout=20)
    contains(answer.error_message, "absent")
    equal(answer.infer_response.id, "seven")


@case("stream/several_models")
def several_models(address):
    """Messages of one stream may ask different models, typed and raw."""
    with stub(address) as calls:
        requests = [
            typed_request("identity_fp32", "FP32", [1, 2], [1, 2], id="typed"),
            raw_request("identity_int8", "INT8", [1, 2], b"\x01\x02", id="raw"),
            typed_request("identity_bytes", "BYTES", [1, 1], [b"text"], id="text"),
        ]
        answers = calls.ModelStreamInfer(iter(requests), timeout=20)
        found = {one.infer_response.id: one for one in answers}
    equal(sorted(found), ["raw", "text", "typed"])
    typed = found["typed"].infer_response
    equal(list(typed.outputs[0].contents.fp32_contents), [1, 2])
    equal(len(typed.raw_output_contents), 0)
    equal(list(found["raw"].infer_response.raw_output_contents), [b"\x01\x02"])
    equal([one.error_message for one in found.values()], ["", "", ""])


@case("stream/nothing_sent")
def nothing(address):
    with stub(address) as calls:
        equal(list(calls.ModelStreamInfer(iter([]), timeout=20)), [])
    with connect(address) as client:
        answers = Answers()
        client.start_stream(answers)
        client.stop_stream()


@case("stream/again_on_one_client")
def again(address):
    with connect(address) as client:
        for _ in range(5):
            answers = Answers()
            client.start_stream(answers)
            _send(client, 3)
            same(answers.result().as_numpy("OUTPUT0"), _row(3))
            client.stop_stream()


@case("stream/compressed")
def compressed(address):
    with connect(address) as client:
        for algorithm in ("gzip", "deflate"):
            answers = Answers()
            client.start_stream(answers, compression_algorithm=algorithm)
            _send(client, 4)
            same(answers.result().as_numpy("OUTPUT0"), _row(4))
            client.stop_stream()


@case("stream/aio")
def aio(address):
    async def ask():
        async def requests():
            for i in range(20):
                inputs = [tensor("INPUT0", "FP32", _row(i))]
                yield {"model_name": "identity_fp32", "inputs": inputs, "request_id": str(i)}

        async with triton_aio.InferenceServerClient(address) as client:
            count = 0
            async for result, error in client.stream_infer(requests()):
                equal(error, None)
                same(result.as_numpy("OUTPUT0"), _row(int(result.get_response().id)))
                count += 1
            equal(count, 20)

    asyncio.run(ask())


@case("stream/aio_cancelled")
def aio_cancelled(address):
    async def ask():
        async def requests():
            inputs = [tensor("INPUT0", "FP32", _row(1))]
            yield {"model_name": "identity_fp32", "inputs": inputs}
            await asyncio.sleep(30)

        async with triton_aio.InferenceServerClient(address) as client:
            answers = client.stream_infer(requests())
            result, error = await anext(answers)
            equal(error, None)
            same(result.as_numpy("OUTPUT0"), _row(1))
            check(answers.cancel(), "it could not be cancelled")

    asyncio.run(ask())
    still_alive(address)


@case("stream/triton_grpc_error")
def real_errors(address):
    """Asked for by `triton_grpc_error: true`, an error ends the stream with its status."""
    request = typed_request("absent", "FP32", [1, 1], [1])
    headers = (("triton_grpc_error", "true"),)
    with stub(address) as calls:
        answers = calls.ModelStreamInfer(iter([request]), metadata=headers, timeout=20)
        error = raises(grpc.RpcError, lambda: list(answers))
    equal(status_of(error), "NOT_FOUND")
    contains(error.details(), "absent")


@case("stream/final_response_parameter")
def final_response(address):
    """Each answer says that it is the only one of its request, asked for or not."""
    with connect(address) as client:
        answers = Answers()
        client.start_stream(answers)
        for asked in (True, False):
            _send(client, 5, enable_empty_final_response=asked)
            response = answers.result().get_response()
            equal(response.parameters["triton_final_response"].bool_param, True)
        client.stop_stream()
