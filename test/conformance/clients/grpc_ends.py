"""Calls that end before their answer: deadlines and cancellation. After Triton's L0_client_timeout
and L0_grpc_state_cleanup; what is left of them in the server is looked at by the test beside."""

import asyncio
import time

import numpy as np
import tritonclient.grpc.aio as triton_aio
from grpc_common import (
    Answers,
    connect,
    refused,
    same,
    status_of,
    still_alive,
    stub,
    tensor,
    typed_request,
)
from harness import case, equal
from tritonclient.utils import InferenceServerException

# Runs of `slow` that take longer than any of these calls waits, and one that does not.
LONG = np.array([[1500, 1500]], np.float32)
SHORT = np.array([[1, 1]], np.float32)
TIMEOUT_SECONDS = 0.15
PLENTY_SECONDS = 30


def _slow(data=LONG):
    return [tensor("x", "FP32", data)]


def _asker(client, seconds):
    return lambda: client.infer("slow", _slow(), client_timeout=seconds)


def _late(error):
    """By its own clock or by the server's: the client cannot tell."""
    equal(status_of(error), "DEADLINE_EXCEEDED")


@case("ends/deadline")
def deadline(address):
    with connect(address) as client:
        late = _asker(client, TIMEOUT_SECONDS)
        refused("DEADLINE_EXCEEDED", late)
        result = client.infer("slow", _slow(SHORT), client_timeout=PLENTY_SECONDS)
        same(result.as_numpy("y"), SHORT)


@case("ends/deadline_async")
def deadline_async(address):
    with connect(address) as client:
        answers = Answers()
        client.async_infer("slow", _slow(), answers, client_timeout=TIMEOUT_SECONDS)
        _late(answers.error())
        client.async_infer("slow", _slow(SHORT), answers, client_timeout=PLENTY_SECONDS)
        same(answers.result().as_numpy("y"), SHORT)


@case("ends/deadline_aio")
def deadline_aio(address):
    async def ask():
        async with triton_aio.InferenceServerClient(address) as client:
            try:
                await client.infer("slow", _slow(), client_timeout=TIMEOUT_SECONDS)
            except InferenceServerException as error:
                _late(error)
            else:
                raise AssertionError("it was answered")

    asyncio.run(ask())
    still_alive(address)


@case("ends/deadline_of_a_stream")
def deadline_stream(address):
    with connect(address) as client:
        answers = Answers()
        client.start_stream(answers, stream_timeout=TIMEOUT_SECONDS)
        client.async_stream_infer("slow", _slow())
        _late(answers.error())
        client.stop_stream()
        client.start_stream(answers, stream_timeout=PLENTY_SECONDS)
        client.async_stream_infer("slow", _slow(SHORT))
        same(answers.result().as_numpy("y"), SHORT)
        client.stop_stream()


@case("ends/deadline_of_other_calls")
def deadline_of_all(address):
    """Every call takes one, and none is so slow."""
    with connect(address) as client:
        equal(client.is_server_ready(client_timeout=PLENTY_SECONDS), True)
        equal(client.is_model_ready("simple", client_timeout=PLENTY_SECONDS), True)
        client.get_model_metadata("simple", client_timeout=PLENTY_SECONDS)
        client.get_model_config("simple", client_timeout=PLENTY_SECONDS)
        client.get_inference_statistics("simple", client_timeout=PLENTY_SECONDS)
        client.get_model_repository_index(client_timeout=PLENTY_SECONDS)


@case("ends/deadline_that_has_passed")
def deadline_passed(address):
    """`grpc-timeout: 1n` and its like are late before they arrive."""
    with connect(address) as client:
        for seconds in (1e-9, 1e-6):
            refused("DEADLINE_EXCEEDED", _asker(client, seconds))
    still_alive(address)


@case("ends/cancelled")
def cancelled(address):
    with connect(address) as client:
        answers = Answers()
        context = client.async_infer("slow", _slow(), answers)
        time.sleep(0.05)  # on its way, or running: both must do
        context.cancel()
        equal(answers.error().status(), "StatusCode.CANCELLED")
    still_alive(address)


@case("ends/cancelled_at_once")
def cancelled_at_once(address):
    """Fifty calls, cancelled as soon as they are made; the connection stays of use."""
    with connect(address) as client:
        made = []
        for _ in range(50):
            answers = Answers()
            made.append((client.async_infer("slow", _slow(SHORT), answers), answers))
        for context, answers in made:
            context.cancel()
            answers.next()  # an answer, where it was faster
        result = client.infer("slow", _slow(SHORT), client_timeout=PLENTY_SECONDS)
        same(result.as_numpy("y"), SHORT)


@case("ends/cancelled_stream")
def cancelled_stream(address):
    with connect(address) as client:
        answers = Answers()
        client.start_stream(answers)
        for _ in range(5):
            client.async_stream_infer("slow", _slow())
        client.stop_stream(cancel_requests=True)
        equal(answers.error().status(), "StatusCode.CANCELLED")
    still_alive(address)


@case("ends/cancelled_aio")
def cancelled_aio(address):
    async def ask():
        async with triton_aio.InferenceServerClient(address) as client:
            task = asyncio.ensure_future(client.infer("slow", _slow()))
            await asyncio.sleep(0.05)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                return
            raise AssertionError("it was answered")

    asyncio.run(ask())
    still_alive(address)


@case("ends/channel_closed_under_way")
def closed(address):
    """A client that goes with calls under way."""
    for _ in range(5):
        with stub(address) as calls:
            request = typed_request("slow", "FP32", [1, 2], LONG.flatten().tolist())
            request.inputs[0].name = "x"
            for _ in range(4):
                calls.ModelInfer.future(request)
    still_alive(address)


@case("ends/timeout_parameter")
def timeout_parameter(address):
    """The schedule's `timeout` (microseconds) is taken; it is no deadline of the call."""
    with connect(address) as client:
        result = client.infer("slow", _slow(SHORT), timeout=5_000_000)
        same(result.as_numpy("y"), SHORT)


@case("ends/x_sluice_timeout")
def own_timeout(address):
    """The header of HTTP holds here too, and what it cannot say is refused."""
    with stub(address) as calls:
        request = typed_request("slow", "FP32", [1, 2], SHORT.flatten().tolist())
        request.inputs[0].name = "x"

        def ask(text):
            headers = (("x-sluice-timeout-ms", text),)
            return calls.ModelInfer(request, metadata=headers, timeout=PLENTY_SECONDS)

        equal(len(ask("30000").outputs), 1)
        for text in ("soon", "-1", "0x10"):
            refused("INVALID_ARGUMENT", lambda text=text: ask(text))
