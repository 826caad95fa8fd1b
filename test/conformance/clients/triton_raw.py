"""What L0_http asks of a server by hand: raw binary requests, header lengths, chunks, depth."""

import json

import numpy as np
import requests
from harness import case, check, contains, equal
from triton_common import still_alive

HEADER = "Inference-Header-Content-Length"
FLOATS = np.arange(8, dtype=np.float32).tobytes()


def _url(address, model):
    return f"http://{address}/v2/models/{model}/infer"


def _post(address, model, body, headers=None):
    return requests.post(_url(address, model), data=body, headers=headers or {}, timeout=20)


def _error(answer, status=400):
    equal(answer.status_code, status, answer.text[:300])
    message = answer.json()["error"]
    check(isinstance(message, str) and message != "", f"error: {message!r}")
    return message


def _raw(address, model, body, headers=None):
    """A raw binary request: no JSON, one tensor. Gives back the bytes of the output."""
    answer = _post(address, model, body, {HEADER: "0"} | (headers or {}))
    equal(answer.status_code, 200, answer.text[:300])
    length = int(answer.headers[HEADER])
    document = json.loads(answer.content[:length])
    equal(document["outputs"][0]["parameters"]["binary_data_size"], len(answer.content) - length)
    return answer.content[length:]


@case("raw/binary")
def binary(address):
    """The bytes are one row, or the whole tensor of a model that is never batched."""
    longer = np.arange(3200, dtype=np.float32).tobytes()
    for model in ("identity_fp32", "nobatch_fp32"):
        equal(_raw(address, model, FLOATS), FLOATS)
        equal(_raw(address, model, longer), longer)


@case("raw/binary_one_text")
def one_text(address):
    """A raw text comes without its length, and goes with it."""
    equal(_raw(address, "text_1_element", b"427"), b"\x03\0\0\x00427")


@case("raw/binary_chunked")
def chunked(address):
    parts = [FLOATS[:5], FLOATS[5:6], FLOATS[6:]]
    equal(_raw(address, "identity_fp32", iter(parts)), FLOATS)


@case("raw/binary_needs_one_text")
def several_texts(address):
    contains(_error(_post(address, "identity_bytes", b"427", {HEADER: "0"})), "INPUT0")
    still_alive(address)


@case("raw/binary_needs_one_free_dimension")
def free_dimensions(address):
    contains(_error(_post(address, "two_free_fp32", FLOATS, {HEADER: "0"})), "INPUT0")
    still_alive(address)


@case("raw/binary_needs_one_input")
def several_inputs(address):
    _error(_post(address, "zero_3_fp32", FLOATS * 3, {HEADER: "0"}))
    still_alive(address)


@case("raw/binary_of_odd_length")
def odd_length(address):
    _error(_post(address, "identity_fp32", FLOATS[:-1], {HEADER: "0"}))
    still_alive(address)


@case("raw/header_length_out_of_range")
def header_length(address):
    body = json.dumps(_request("FP32", [1.0], [1, 1])).encode()
    beyond = (str(len(body) + 1), str(2**31), str(2**64), "9" * 40)
    lengths = ("-1", "1.5", "x", "1e3", "0x10", *beyond)
    for length in lengths:
        answer = _post(address, "identity_fp32", body, {HEADER: length})
        equal(answer.status_code, 400, f"{length}: {answer.text[:200]}")
        check("error" in answer.json(), f"{length}: {answer.text[:200]}")
    still_alive(address)


@case("raw/header_length_of_whole_body")
def header_of_whole(address):
    """The JSON may be all there is."""
    body = json.dumps(_request("FP32", [1.0], [1, 1])).encode()
    answer = _post(address, "identity_fp32", body, {HEADER: str(len(body))})
    equal(answer.status_code, 200, answer.text[:300])


@case("raw/header_length_within_json")
def header_within(address):
    body = json.dumps(_request("FP32", [1.0], [1, 1])).encode()
    _error(_post(address, "identity_fp32", body, {HEADER: str(len(body) - 5)}))
    still_alive(address)


def _request(datatype, data, shape, **more):
    entry = {"name": "INPUT0", "datatype": datatype, "shape": shape, "data": data}
    return {"inputs": [entry], **more}


def _json(address, model, body):
    return requests.post(_url(address, model), json=body, timeout=20)


@case("raw/json_nested_and_flat")
def nested(address):
    for data in ([[1, 2], [3, 4]], [1, 2, 3, 4]):
        answer = _json(address, "identity_fp32", _request("FP32", data, [2, 2]))
        equal(answer.json()["outputs"][0]["data"], [1, 2, 3, 4])
        equal(answer.headers["Content-Type"], "application/json")


@case("raw/binary_data_output_false_is_json")
def output_json(address):
    """Without a word about binary, and with `false`, an answer is JSON."""
    for more in ({}, {"parameters": {"binary_data_output": False}}):
        answer = _json(address, "identity_fp32", _request("FP32", [1], [1, 1], **more))
        equal(answer.headers.get(HEADER), None)
        equal(answer.json()["outputs"][0]["data"], [1])


@case("raw/binary_data_output_per_output")
def per_output(address):
    """What an output says of itself holds against what the request says of all."""
    for of_all, of_one in ((True, False), (False, True)):
        more = {
            "parameters": {"binary_data_output": of_all},
            "outputs": [{"name": "OUTPUT0", "parameters": {"binary_data": of_one}}],
        }
        answer = _json(address, "identity_fp32", _request("FP32", [1], [1, 1], **more))
        equal(HEADER in answer.headers, of_one, f"binary, asked {of_all} and {of_one}")


def _deep(depth, value):
    for _ in range(depth):
        value = [value]
    return value


@case("raw/json_depth_120")
def too_deep(address):
    answer = _json(address, "identity_int64", _request("INT64", _deep(120, 1), [1, 1]))
    contains(_error(answer), "100")
    still_alive(address)


@case("raw/json_depth_50")
def deep(address):
    """Triton flattens what nests deeper than its shape."""
    answer = _json(address, "identity_int64", _request("INT64", _deep(50, 1), [1, 1]))
    equal(answer.status_code, 200, answer.text[:200])


@case("raw/json_depth_250000")
def very_deep(address):
    """L0_http sends it to the repository index; here also to inference."""
    body = b"[" * 250_000
    for path in ("v2/repository/index", "v2/models/identity_int64/infer"):
        answer = requests.post(f"http://{address}/{path}", data=body, timeout=20)
        check(400 <= answer.status_code < 500, f"{path}: {answer.status_code}")
    still_alive(address)


@case("raw/json_shape_overflow")
def shape_overflow(address):
    for shape in ([2**4, 2**60 + 2], [2**2, 2**60 + 2], [2**63, 2], [1e300, 1]):
        _error(_json(address, "identity_fp32", _request("FP32", [1.0], shape)))
    still_alive(address)


@case("raw/json_shape_not_a_count")
def shape_not_a_count(address):
    for shape in ([2, -5], [1, 1.5], ["1", 1], [None, 1], "1", {}, [True, 1], []):
        _error(_json(address, "identity_fp32", _request("FP32", [1.0], shape)))
    still_alive(address)


@case("raw/json_duplicate_output")
def duplicate_output(address):
    more = {"outputs": [{"name": "OUTPUT0"}, {"name": "OUTPUT0"}]}
    answer = _json(address, "identity_fp32", _request("FP32", [1.0], [1, 1], **more))
    contains(_error(answer), "OUTPUT0")
    still_alive(address)


@case("raw/json_of_other_shapes")
def other_shapes(address):
    for body in (b"", b"null", b"[]", b"1", b'"text"', b"{}", b'{"inputs":{}}', b'{"inputs":[1]}',
                 b'{"inputs":[{}]}', b"\xff\xfe", b"{", b'{"inputs":[]}x', b"NaN"):
        answer = _post(address, "identity_fp32", body)
        equal(answer.status_code, 400, f"{body!r}: {answer.text[:200]}")
        check("error" in answer.json(), f"{body!r}: {answer.text[:200]}")
    still_alive(address)


@case("raw/json_numbers_out_of_range")
def out_of_range(address):
    for model, datatype, value in (
        ("identity_uint8", "UINT8", 256),
        ("identity_uint8", "UINT8", -1),
        ("identity_int8", "INT8", 1.5),
        ("identity_int64", "INT64", 2**63),
        ("identity_uint64", "UINT64", 2**64),
        ("identity_bool", "BOOL", "yes"),
        ("identity_bytes", "BYTES", 1),
        ("identity_fp32", "FP32", "1"),
        ("identity_fp32", "FP32", None),
    ):
        _error(_json(address, model, _request(datatype, [value], [1, 1])))
    still_alive(address)


@case("raw/health_bodies_are_json")
def health_bodies(address):
    """Triton answers without a body, KServe with JSON: JSON serves both."""
    for path, key in (("live", "live"), ("ready", "ready")):
        answer = requests.get(f"http://{address}/v2/health/{path}", timeout=20)
        equal(answer.json(), {key: True})


@case("raw/methods")
def methods(address):
    """The wrong method is 405 and names the right one."""
    for method, path in (
        ("GET", "v2/models/simple/infer"),
        ("PUT", "v2/models/simple"),
        ("POST", "v2"),
        ("DELETE", "v2/health/live"),
    ):
        answer = requests.request(method, f"http://{address}/{path}", timeout=20)
        equal(answer.status_code, 405, f"{method} {path}")
        check(answer.headers.get("Allow"), f"{method} {path}: no allow header")
    still_alive(address)
