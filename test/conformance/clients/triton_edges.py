"""Edges: scalars, zero sizes, NaN, sizes near the limits. L0_scalar_io, L0_infer_zero, L0_nan_inf
and L0_large_payload."""

import json

import numpy as np
import requests
from harness import case, check, equal
from triton_common import NUMPY, connect, echo, refused, same, still_alive, tensor, wanted

MIB = 2**20
BOTH = (True, False)


def _copy(client, model, data, binary):
    outputs = wanted("OUTPUT0", binary=binary)
    result = client.infer(model, [tensor("INPUT0", "FP32", data, binary)], outputs=outputs)
    same(result.as_numpy("OUTPUT0"), data)


def _declare_scalar(name, data):
    @case(f"scalar/{name}")
    def scalar(address):
        with connect(address) as client:
            for binary in BOTH:
                _copy(client, f"scalar_{name}", data, binary)


_declare_scalar("0dim", np.array(1.5, np.float32))
_declare_scalar("1dim", np.array([1.5], np.float32))
_declare_scalar("2dim", np.array([[1.5]], np.float32))


def _declare_zero(datatype):
    @case(f"zero/{datatype}")
    def zero(address):
        """Rows without elements, each way."""
        with connect(address) as client:
            for rows in (1, 3):
                data = np.empty((rows, 0), NUMPY[datatype])
                for binary in BOTH:
                    echo(client, datatype, data, binary, binary)


for one in NUMPY:
    _declare_zero(one)


@case("zero/batches")
def zero_batches(address):
    """As L0_infer_zero: rows without elements beside rows with some."""
    with connect(address) as client:
        for widths in ((1, 2, 1), (0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1)):
            for rows in (1, 8):
                for binary in BOTH:
                    sent = [np.ones((rows, width), np.float32) for width in widths]
                    inputs = [
                        tensor(f"INPUT{i}", "FP32", one, binary) for i, one in enumerate(sent)
                    ]
                    names = [f"OUTPUT{i}" for i in range(len(sent))]
                    outputs = wanted(*names, binary=binary)
                    result = client.infer("zero_3_fp32", inputs, outputs=outputs)
                    for name, one in zip(names, sent, strict=True):
                        same(result.as_numpy(name), one)


@case("zero/no_rows_without_batching")
def no_rows(address):
    """A model that is never batched takes its tensors as they come."""
    with connect(address) as client:
        for binary in BOTH:
            _copy(client, "nobatch_fp32", np.empty((0,), np.float32), binary)
            _copy(client, "nobatch_fp32", np.ones((3,), np.float32), binary)


@case("zero/no_rows_of_a_batch")
def no_batch(address):
    """A batch of no rows is none."""
    with connect(address) as client:
        for binary in BOTH:
            inputs = [tensor("INPUT0", "FP32", np.empty((0, 4), np.float32), binary)]
            outputs = wanted("OUTPUT0", binary=binary)
            refused(400, lambda: client.infer("identity_fp32", inputs, outputs=outputs))


EXPECTED = np.array([[np.nan, np.inf, -np.inf, 1, 2, 3]], np.float32)


@case("nan_inf/binary")
def nan_binary(address):
    with connect(address) as client:
        inputs = [tensor("INPUT0", "FP32", np.ones((1, 1), np.float32))]
        same(client.infer("nan_inf_output", inputs).as_numpy("OUTPUT0"), EXPECTED)


@case("nan_inf/json_is_valid_or_refused")
def nan_json(address):
    """Bare NaN is no JSON: an answer that cannot be written is an error, and says so."""
    entry = {"name": "INPUT0", "datatype": "FP32", "shape": [1, 1], "data": [1]}
    url = f"http://{address}/v2/models/nan_inf_output/infer"
    answer = requests.post(url, json={"inputs": [entry]}, timeout=20)

    def no_constant(name):
        raise AssertionError(f"{name} is no JSON")

    body = json.loads(answer.text, parse_constant=no_constant)
    if answer.status_code == 200:
        equal(body["outputs"][0]["data"][3:], [1, 2, 3])
    else:
        check("OUTPUT0" in body["error"], body["error"])


@case("nan_inf/json_by_tritonclient")
def nan_json_client(address):
    """tritonclient gets a refusal with a message, not what it cannot read."""
    with connect(address) as client:
        inputs = [tensor("INPUT0", "FP32", np.ones((1, 1), np.float32), False)]
        outputs = wanted("OUTPUT0", binary=False)
        refused(500, lambda: client.infer("nan_inf_output", inputs, outputs=outputs))
        same(client.infer("nan_inf_output", inputs).as_numpy("OUTPUT0"), EXPECTED)


def _declare_payload(mib, rows):
    @case(f"payload/{mib}_MiB_of_{rows}_rows")
    def payload(address):
        columns = mib * MIB // 4 // rows
        data = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns)
        with connect(address) as client:
            echo(client, "FP32", data)


_declare_payload(16, 1)
_declare_payload(16, 4096)
_declare_payload(60, 1)
_declare_payload(60, 64)


@case("payload/over_the_limit")
def over_the_limit(address):
    """L0_large_payload: what is too large is refused, and the next request is answered."""
    data = np.zeros((1, 17 * MIB), np.float32)
    inputs = [tensor("INPUT0", "FP32", data)]
    with connect(address) as client:
        try:
            client.infer("identity_fp32", inputs)
        except BrokenPipeError:
            pass  # the server closes before it has read what it will not take
        except ConnectionResetError:
            pass
        except Exception as error:
            equal(getattr(error, "status", lambda: "")(), "413", str(error))
        else:
            raise AssertionError("68 MiB were answered")
    still_alive(address)


@case("payload/large_json")
def large_json(address):
    """Two million digits' worth of JSON, in one row."""
    data = np.arange(200_000, dtype=np.float64).reshape(1, -1) / 7
    with connect(address) as client:
        echo(client, "FP64", data, False, False)


@case("payload/large_text")
def large_text(address):
    data = np.array([["ä" * 2_000_000, "b"]], object)
    with connect(address) as client:
        echo(client, "BYTES", data)
        echo(client, "BYTES", data, False, True)
