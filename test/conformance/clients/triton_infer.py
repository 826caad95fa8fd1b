"""Inference as tritonclient's users write it: outputs, ids, versions, many at once, helpers."""

import asyncio
import urllib.request

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from harness import case, check, equal, raises
from triton_common import as_bytes, connect, echo, pair, refused, same, still_alive, tensor, wanted


def _several(client, outputs):
    data = np.array([[1, 2, 3]], np.float32)
    return client.infer("several_outputs", [tensor("INPUT0", "FP32", data)], outputs=outputs)


def _names(result):
    return [output["name"] for output in result.get_response()["outputs"]]


@case("infer/simple_binary")
def simple(address):
    inputs, total, difference = pair()
    with connect(address) as client:
        result = client.infer("simple", inputs, outputs=wanted("OUTPUT0", "OUTPUT1"))
    same(result.as_numpy("OUTPUT0"), total)
    same(result.as_numpy("OUTPUT1"), difference)
    equal(result.get_response()["model_name"], "simple")
    equal(result.get_response()["model_version"], "1")


@case("infer/simple_json")
def simple_json(address):
    inputs, total, difference = pair(binary=False)
    with connect(address) as client:
        outputs = wanted("OUTPUT0", "OUTPUT1", binary=False)
        result = client.infer("simple", inputs, outputs=outputs)
    same(result.as_numpy("OUTPUT0"), total)
    same(result.as_numpy("OUTPUT1"), difference)


@case("infer/simple_mixed")
def mixed(address):
    """One input as JSON and one binary; one output binary and one as JSON."""
    [a, _], total, difference = pair()
    [_, b], _, _ = pair(binary=False)
    outputs = [*wanted("OUTPUT0", binary=False), *wanted("OUTPUT1")]
    with connect(address) as client:
        result = client.infer("simple", [a, b], outputs=outputs)
        same(result.as_numpy("OUTPUT0"), total)
        same(result.as_numpy("OUTPUT1"), difference)
        check("data" in result.get_output("OUTPUT0"), "OUTPUT0 is not JSON")
        check("data" not in result.get_output("OUTPUT1"), "OUTPUT1 is JSON")
        swapped = client.infer("simple", [b, a], outputs=outputs)
        same(swapped.as_numpy("OUTPUT1"), difference)


@case("infer/default_outputs")
def default_outputs(address):
    """Without a list of outputs tritonclient asks for all of them, binary."""
    with connect(address) as client:
        result = _several(client, None)
    equal(_names(result), ["SAME", "DOUBLE", "WHOLE", "TEXT"])
    for output in result.get_response()["outputs"]:
        check("binary_data_size" in output.get("parameters", {}), f"{output} is not binary")
    same(result.as_numpy("DOUBLE"), np.array([[2, 4, 6]], np.float32))
    same(result.as_numpy("WHOLE"), np.array([[1, 2, 3]], np.int64))
    same(result.as_numpy("TEXT"), np.array([["1", "2", "3"]], object))


@case("infer/output_selection")
def output_selection(address):
    with connect(address) as client:
        result = _several(client, wanted("TEXT"))
        equal(_names(result), ["TEXT"])
        equal(result.as_numpy("SAME"), None)
        equal(result.get_output("SAME"), None)
        equal(_names(_several(client, wanted("WHOLE", "SAME", binary=False))), ["WHOLE", "SAME"])


@case("infer/several_binary_outputs")
def several_binary(address):
    """The buffers come in the order of the outputs, whatever their width."""
    with connect(address) as client:
        result = _several(client, wanted("TEXT", "SAME", "WHOLE"))
    same(result.as_numpy("TEXT"), np.array([["1", "2", "3"]], object))
    same(result.as_numpy("SAME"), np.array([[1, 2, 3]], np.float32))
    same(result.as_numpy("WHOLE"), np.array([[1, 2, 3]], np.int64))


@case("infer/text_arithmetic")
def text_arithmetic(address):
    a = np.array([[str(i) for i in range(16)]], object)
    b = np.array([["2"] * 16], object)
    inputs = [tensor("INPUT0", "BYTES", a), tensor("INPUT1", "BYTES", b)]
    with connect(address) as client:
        result = client.infer("simple_string", inputs)
    same(result.as_numpy("OUTPUT0"), np.array([[str(i + 2) for i in range(16)]], object))


@case("infer/request_id")
def request_id(address):
    data = np.ones((1, 2), np.float32)
    with connect(address) as client:
        for text in ("1", "an id with blanks", "ä€😀", '"'):
            result = echo(client, "FP32", data, request_id=text)
            equal(result.get_response()["id"], text, "id")
        check("id" not in echo(client, "FP32", data).get_response(), "an id nobody gave")


@case("infer/versions")
def versions(address):
    data = np.array([[1, 2, 3]], np.float32)

    def ask(client, version):
        result = client.infer("versions", [tensor("x", "FP32", data)], model_version=version)
        return result.get_response()["model_version"], result.as_numpy("y").tolist()

    with connect(address) as client:
        equal(ask(client, ""), ("1", [[1, 2, 3]]))
        equal(ask(client, "1"), ("1", [[1, 2, 3]]))
        equal(ask(client, "2"), ("2", [[3, 5, 7]]))
        refused(404, lambda: ask(client, "3"))


@case("infer/parameters")
def parameters(address):
    """Custom parameters and those of the schedule are taken, and change nothing."""
    data = np.ones((1, 2), np.float32)
    custom = {"a": 1, "b": "two", "c": True, "d": 1.5}
    with connect(address) as client:
        echo(client, "FP32", data, parameters=custom)
        echo(client, "FP32", data, False, False, parameters=custom)


@case("infer/priority_and_timeout")
def priority(address):
    """A model without priority levels takes the two, as Triton's does."""
    data = np.ones((1, 2), np.float32)
    with connect(address) as client:
        echo(client, "FP32", data, priority=1, timeout=5_000_000)


@case("infer/connection_is_reused")
def connection_is_reused(address):
    data = np.ones((4, 8), np.float32)
    with connect(address, concurrency=1) as client:
        for i in range(200):
            echo(client, "FP32", data, i % 2 == 0, i % 3 == 0)


@case("infer/async")
def in_flight(address):
    """Forty requests over eight connections; each answer is that of its own request."""
    with connect(address, concurrency=8) as client:
        sent = []
        for i in range(40):
            data = np.full((1, 4), i, np.float32)
            inputs = [tensor("INPUT0", "FP32", data, binary=i % 2 == 0)]
            outputs = wanted("OUTPUT0", binary=i % 3 == 0)
            sent.append((client.async_infer("identity_fp32", inputs, outputs=outputs), data))
        for request, data in sent:
            same(request.get_result().as_numpy("OUTPUT0"), data)


@case("infer/async_error")
def async_error(address):
    inputs, _, _ = pair()
    with connect(address) as client:
        request = client.async_infer("absent", inputs)
        refused(404, request.get_result)


@case("infer/aio")
def aio(address):
    async def ask():
        inputs, total, _ = pair()
        async with triton_aio.InferenceServerClient(address) as client:
            equal(await client.is_server_live(), True)
            equal(await client.is_server_ready(), True)
            equal(await client.is_model_ready("simple"), True)
            equal((await client.get_server_metadata())["name"], "sluice")
            equal((await client.get_model_metadata("simple"))["name"], "simple")
            outputs = wanted("OUTPUT0")
            asked = [client.infer("simple", inputs, outputs=outputs) for _ in range(20)]
            for result in await asyncio.gather(*asked):
                same(result.as_numpy("OUTPUT0"), total)
            for algorithm in ("gzip", "deflate"):
                result = await client.infer(
                    "simple",
                    inputs,
                    request_compression_algorithm=algorithm,
                    response_compression_algorithm=algorithm,
                )
                same(result.as_numpy("OUTPUT0"), total)
            try:
                await client.infer("absent", inputs)
            except triton.InferenceServerException as error:
                equal(error.status(), "404")
            else:
                raise AssertionError("an unknown model answered")

    asyncio.run(ask())


@case("infer/static_helpers")
def static_helpers(address):
    """`generate_request_body` and `parse_response_body`, for those who send by themselves."""
    inputs, total, difference = pair()
    body, header_length = triton.InferenceServerClient.generate_request_body(
        inputs, outputs=wanted("OUTPUT0", "OUTPUT1"), request_id="own"
    )
    request = urllib.request.Request(f"http://{address}/v2/models/simple/infer", data=body)
    request.add_header("Content-Type", "application/octet-stream")
    request.add_header("Inference-Header-Content-Length", str(header_length))
    with urllib.request.urlopen(request, timeout=20) as response:
        answer = response.read()
        length = int(response.headers["Inference-Header-Content-Length"])
        equal(response.headers["Content-Type"], "application/octet-stream")
    result = triton.InferenceServerClient.parse_response_body(answer, header_length=length)
    same(result.as_numpy("OUTPUT0"), total)
    same(result.as_numpy("OUTPUT1"), difference)
    equal(result.get_response()["id"], "own")


@case("infer/classification")
def classification(address):
    """`class_count` asks for the largest elements, as `value:index`."""
    data = np.array([[0.125, 0.75, 0.25], [3, 2, 1]], np.float32)
    inputs = [tensor("INPUT0", "FP32", data)]
    with connect(address) as client:
        for binary, count in ((True, 2), (False, 2), (True, 9)):
            outputs = [triton.InferRequestedOutput("OUTPUT0", binary, class_count=count)]
            answer = client.infer("identity_fp32", inputs, outputs=outputs).as_numpy("OUTPUT0")
            texts = [[as_bytes(text).decode().split(":")[:2] for text in row] for row in answer]
            got = [[(float(value), int(index)) for value, index in row] for row in texts]
            wanted_rows = [[(0.75, 1), (0.25, 2), (0.125, 0)], [(3, 0), (2, 1), (1, 2)]]
            equal(got, [row[:count] for row in wanted_rows])


@case("infer/client_timeout")
def client_timeout(address):
    """A client that gives up gets its own error, and the server answers the next."""
    data = np.array([[400, 400]], np.float32)
    with connect(address, network_timeout=0.02) as client:
        raises(Exception, lambda: client.infer("slow", [tensor("x", "FP32", data, False)]))
    still_alive(address)


@case("infer/example")
def example(address):
    """The trained example, asked for metadata and then for a row of what it names."""
    with connect(address) as client:
        inputs = []
        for one in client.get_model_metadata("flight-delay")["inputs"]:
            shape = [1 if size < 0 else size for size in one["shape"]]
            is_text = one["datatype"] == "BYTES"
            data = np.full(shape, "EWR", object) if is_text else np.ones(shape, np.float32)
            inputs.append(tensor(one["name"], one["datatype"], data))
        result = client.infer("flight-delay", inputs)
    for output in result.get_response()["outputs"]:
        equal(result.as_numpy(output["name"]).shape[0], 1, output["name"])
