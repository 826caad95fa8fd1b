"""Inference over gRPC as tritonclient's users write it: outputs, ids, versions, many at once."""

import asyncio

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from grpc_common import (
    Answers,
    caller,
    connect,
    echo,
    pair,
    raw_request,
    refused,
    same,
    stub,
    tensor,
    texts,
    typed_request,
    wanted,
)
from harness import case, check, equal, raises
from tritonclient.utils import InferenceServerException


def _several(client, outputs):
    data = np.array([[1, 2, 3]], np.float32)
    return client.infer("several_outputs", [tensor("INPUT0", "FP32", data)], outputs=outputs)


def _names(result):
    return [output.name for output in result.get_response().outputs]


@case("infer/simple")
def simple(address):
    inputs, total, difference = pair()
    with connect(address) as client:
        result = client.infer("simple", inputs, outputs=wanted("OUTPUT0", "OUTPUT1"))
    same(result.as_numpy("OUTPUT0"), total)
    same(result.as_numpy("OUTPUT1"), difference)
    response = result.get_response()
    equal((response.model_name, response.model_version), ("simple", "1"))
    equal(len(response.raw_output_contents), 2)


@case("infer/outputs")
def outputs(address):
    """All of them unless some are named, in the order of the request, text beside numbers."""
    with connect(address) as client:
        result = _several(client, None)
        equal(_names(result), ["SAME", "DOUBLE", "WHOLE", "TEXT"])
        same(result.as_numpy("DOUBLE"), np.array([[2, 4, 6]], np.float32))
        same(result.as_numpy("TEXT"), np.array([["1", "2", "3"]], object))
        result = _several(client, wanted("TEXT", "SAME", "WHOLE"))
        equal(_names(result), ["TEXT", "SAME", "WHOLE"])
        same(result.as_numpy("SAME"), np.array([[1, 2, 3]], np.float32))
        same(result.as_numpy("WHOLE"), np.array([[1, 2, 3]], np.int64))
        equal(result.as_numpy("DOUBLE"), None)


@case("infer/text_arithmetic")
def text_arithmetic(address):
    a = np.array([[str(i) for i in range(16)]], object)
    b = np.array([["2"] * 16], object)
    with connect(address) as client:
        inputs = [tensor("INPUT0", "BYTES", a), tensor("INPUT1", "BYTES", b)]
        result = client.infer("simple_string", inputs)
    same(result.as_numpy("OUTPUT0"), np.array([[str(i + 2) for i in range(16)]], object))


@case("infer/request_id")
def request_id(address):
    data = np.ones((1, 2), np.float32)
    with connect(address) as client:
        for text in ("1", "an id with blanks", "ä€😀", '"'):
            equal(echo(client, "FP32", data, request_id=text).get_response().id, text)
        equal(echo(client, "FP32", data).get_response().id, "")


@case("infer/versions")
def versions(address):
    data = np.array([[1, 2, 3]], np.float32)
    with connect(address) as client:

        def ask(version):
            result = client.infer("versions", [tensor("x", "FP32", data)], model_version=version)
            return result.get_response().model_version, result.as_numpy("y").tolist()

        equal(ask(""), ("1", [[1, 2, 3]]))
        equal(ask("1"), ("1", [[1, 2, 3]]))
        equal(ask("2"), ("2", [[3, 5, 7]]))
        refused("NOT_FOUND", lambda: ask("3"))


@case("infer/parameters")
def parameters(address):
    """Custom parameters and those of the schedule are taken, and change nothing."""
    data = np.ones((1, 2), np.float32)
    with connect(address) as client:
        echo(client, "FP32", data, parameters={"a": 1, "b": "two", "c": True, "d": 1.5})
        echo(client, "FP32", data, priority=1, timeout=5_000_000)


@case("infer/sequences_are_refused")
def sequences(address):
    """An answer without the state would be wrong."""
    with connect(address) as client:
        for sequence_id in (7, "seven"):
            inputs, _, _ = pair()
            refused(
                "UNIMPLEMENTED",
                lambda inputs=inputs, sequence_id=sequence_id: client.infer(
                    "simple", inputs, sequence_id=sequence_id, sequence_start=True
                ),
            )


@case("infer/classification")
def classification(address):
    """`class_count` asks for the largest elements, as `value:index`."""
    data = np.array([[0.125, 0.75, 0.25], [3, 2, 1]], np.float32)
    with connect(address) as client:
        for count in (2, 9):
            output = triton.InferRequestedOutput("OUTPUT0", class_count=count)
            inputs = [tensor("INPUT0", "FP32", data)]
            result = client.infer("identity_fp32", inputs, outputs=[output])
            got = [one.split(":")[1] for one in texts(result.as_numpy("OUTPUT0"))]
            equal(got, [*"120"[:count], *"012"[:count]])


@case("infer/many_on_one_channel")
def many(address):
    data = np.ones((4, 8), np.float32)
    with connect(address) as client:
        for i in range(200):
            echo(client, "FP32", data + i)


@case("infer/async")
def in_flight(address):
    """Eighty calls at once on one connection; each answer is that of its own request."""
    with connect(address) as client:
        sent = []
        for i in range(80):
            data = np.full((1, 4), i, np.float32)
            answers = Answers()
            client.async_infer("identity_fp32", [tensor("INPUT0", "FP32", data)], answers)
            sent.append((answers, data))
        for answers, data in sent:
            same(answers.result().as_numpy("OUTPUT0"), data)


@case("infer/async_error")
def async_error(address):
    with connect(address) as client:
        answers = Answers()
        client.async_infer("absent", pair()[0], answers)
        equal(answers.error().status(), "StatusCode.NOT_FOUND")


@case("infer/aio")
def aio(address):
    async def ask():
        inputs, total, _ = pair()
        async with triton_aio.InferenceServerClient(address) as client:
            equal(await client.is_server_live(), True)
            equal(await client.is_server_ready(), True)
            equal(await client.is_model_ready("simple"), True)
            equal((await client.get_server_metadata()).name, "sluice")
            equal((await client.get_model_metadata("simple")).name, "simple")
            asked = [client.infer("simple", inputs) for _ in range(20)]
            for result in await asyncio.gather(*asked):
                same(result.as_numpy("OUTPUT0"), total)
            for algorithm in ("gzip", "deflate"):
                result = await client.infer("simple", inputs, compression_algorithm=algorithm)
                same(result.as_numpy("OUTPUT0"), total)
            try:
                await client.infer("absent", inputs)
            except InferenceServerException as error:
                equal(error.status(), "StatusCode.NOT_FOUND")
            else:
                raise AssertionError("an unknown model answered")

    asyncio.run(ask())


@case("infer/keepalive")
def keepalive(address):
    """A client that pings on an idle connection is not sent away."""
    options = triton.KeepAliveOptions(
        keepalive_time_ms=100,
        keepalive_timeout_ms=5000,
        keepalive_permit_without_calls=True,
        http2_max_pings_without_data=0,
    )
    with connect(address, keepalive_options=options) as client:
        inputs = [tensor("x", "FP32", np.array([[200, 200]], np.float32))]
        for _ in range(3):
            same(client.infer("slow", inputs).as_numpy("y"), np.array([[200, 200]], np.float32))


@case("infer/metadata_of_answers")
def answer_metadata(address):
    """Every answer says which version made it; a refusal has its code, and both the id."""
    headers = (("x-request-id", "conformance-2"),)
    with stub(address) as calls:
        request = typed_request("versions", "FP32", [1, 3], [1, 2, 3])
        request.inputs[0].name = "x"
        _, call = calls.ModelInfer.with_call(request, metadata=headers, timeout=20)
        sent = dict(call.initial_metadata())
        equal(sent.get("x-request-id"), "conformance-2")
        equal(sent.get("x-sluice-model"), "versions")
        equal(sent.get("x-sluice-version"), "1")
        for name in ("x-sluice-variant", "x-sluice-epoch", "x-sluice-prediction-id"):
            check(sent.get(name), f"no {name} in {sent}")
        request.model_name = "absent"
        error = raises(Exception, lambda: calls.ModelInfer(request, metadata=headers, timeout=20))
        trailers = dict(error.trailing_metadata())
        equal(trailers.get("x-sluice-error"), "MODEL_NOT_FOUND")
        equal(trailers.get("x-request-id"), "conformance-2")


@case("infer/example")
def example(address):
    """The trained example, asked for metadata and then for a row of what it names."""
    with connect(address) as client:
        inputs = []
        for one in client.get_model_metadata("flight-delay").inputs:
            shape = [1 if size < 0 else size for size in one.shape]
            is_text = one.datatype == "BYTES"
            data = np.full(shape, "EWR", object) if is_text else np.ones(shape, np.float32)
            inputs.append(tensor(one.name, one.datatype, data))
        result = client.infer("flight-delay", inputs)
    for output in result.get_response().outputs:
        equal(result.as_numpy(output.name).shape[0], 1, output.name)


@case("infer/raw_by_hand")
def raw_by_hand(address):
    """Fields in another order, unknown ones, and one given twice: all is protobuf."""
    data = np.arange(4, dtype=np.float32).tobytes()
    request = raw_request("identity_fp32", "FP32", [1, 4], data)
    parts = request.SerializeToString()
    name = b"\x0a\x0didentity_fp32"
    check(parts.startswith(name), "the name is not first")
    unknown = b"\xa2\x06\x03abc"  # field 100, of 3 bytes
    with stub(address) as calls:
        equal(calls.ModelInfer(request, timeout=20).raw_output_contents[0], data)
    with caller(address, "/inference.GRPCInferenceService/ModelInfer") as call:
        plain = call(parts, timeout=20)
        for spelled in (
            parts[len(name) :] + name,
            b"\x0a\x06absent" + parts,
            unknown + parts + unknown,
        ):
            equal(call(spelled, timeout=20), plain)
