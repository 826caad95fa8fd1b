"""Every datatype over gRPC, raw and by its field of the contents, with the extremes of each."""

import numpy as np
from grpc_common import (
    CONTENTS,
    connect,
    echo,
    raw_request,
    refused,
    same,
    stub,
    tensor,
    typed_request,
)
from harness import case, check, equal
from triton_common import NUMPY, values


def _declare(datatype):
    @case(f"datatypes/{datatype}_raw")
    def raw(address):
        with connect(address) as client:
            echo(client, datatype, values(datatype))
            echo(client, datatype, np.empty((3, 0), NUMPY[datatype]))

    @case(f"datatypes/{datatype}_contents")
    def contents(address):
        """What came in contents is answered in contents."""
        data = values(datatype)
        if datatype == "BYTES":
            sent = [one.encode() for one in data.flat]
        else:
            sent = data.flatten().tolist()
        request = typed_request(f"identity_{datatype.lower()}", datatype, data.shape, sent)
        with stub(address) as calls:
            answer = calls.ModelInfer(request, timeout=20)
        [output] = answer.outputs
        equal(len(answer.raw_output_contents), 0, "raw outputs")
        equal(list(output.shape), list(data.shape), "shape")
        equal(output.datatype, datatype)
        equal(list(getattr(output.contents, CONTENTS[datatype])), sent, "contents")
        filled = [field.name for field, _ in output.contents.ListFields()]
        equal(filled, [CONTENTS[datatype]], "fields")


for one in NUMPY:
    _declare(one)


@case("datatypes/contents_of_nothing")
def contents_of_nothing(address):
    """Rows without elements: contents that are empty, or not there at all."""
    with stub(address) as calls:
        request = typed_request("identity_fp32", "FP32", [3, 0], [])
        [output] = calls.ModelInfer(request, timeout=20).outputs
        equal(list(output.shape), [3, 0])
        request.inputs[0].ClearField("contents")
        [output] = calls.ModelInfer(request, timeout=20).outputs
        equal(list(output.shape), [3, 0])


@case("datatypes/contents_out_of_range")
def out_of_range(address):
    """The fields are wider than the datatypes of 8 and 16 bits that they carry."""
    ranges = {
        "UINT8": (256,),
        "INT8": (128, -129),
        "UINT16": (65536,),
        "INT16": (32768, -32769),
    }
    with stub(address) as calls:
        for datatype, beyond in ranges.items():
            for value in beyond:
                request = typed_request(f"identity_{datatype.lower()}", datatype, [1, 1], [value])
                refused("INVALID_ARGUMENT", lambda: calls.ModelInfer(request, timeout=20))


@case("datatypes/not_finite")
def not_finite(address):
    """NaN and the infinities are values like others, raw and in contents."""
    data = np.array([[np.nan, np.inf, -np.inf, 1]], np.float32)
    with connect(address) as client:
        echo(client, "FP32", data)
        echo(client, "FP64", data.astype(np.float64))
        inputs = [tensor("INPUT0", "FP32", np.ones((1, 1), np.float32))]
        result = client.infer("nan_inf_output", inputs)
        same(result.as_numpy("OUTPUT0")[:, :3], data[:, :3])
    with stub(address) as calls:
        request = typed_request("identity_fp32", "FP32", [1, 4], data.flatten().tolist())
        [output] = calls.ModelInfer(request, timeout=20).outputs
        same(np.array([output.contents.fp32_contents], np.float32), data)


@case("datatypes/BYTES_of_numpy_strings")
def numpy_strings(address):
    """Arrays of `S` instead of objects, as L0_string_io sends them."""
    data = np.array([[str(i).encode() for i in range(10_000, 10_008)]])
    with connect(address) as client:
        echo(client, "BYTES", data.astype(object))
        echo(client, "BYTES", data.astype(np.bytes_).astype(object))


@case("datatypes/BYTES_not_utf8")
def not_utf8(address):
    """L0_string_io: text tensors carry any bytes."""
    with connect(address) as client:
        echo(client, "BYTES", np.array([[b"\n\xfa\x03\x94", b"\xff\xfe"]], dtype=object))


@case("datatypes/BYTES_nul")
def nul(address):
    """L0_nullchar_string: a NUL is a character like any other."""
    with connect(address) as client:
        echo(client, "BYTES", np.array([["abc\0def"]], dtype=object))


@case("datatypes/BYTES_long")
def long_text(address):
    with connect(address) as client:
        echo(client, "BYTES", np.array([["ä" * 2_000_000, "b"]], object))


@case("datatypes/FP16_raw")
def half(address):
    with connect(address) as client:
        echo(client, "FP16", np.array([[1, 2]], np.float16))


@case("datatypes/BF16_is_refused")
def brain_float(address):
    """No model here can have it."""
    with stub(address) as calls:
        request = raw_request("identity_fp32", "BF16", [1, 4], bytes(8))
        message = refused("INVALID_ARGUMENT", lambda: calls.ModelInfer(request, timeout=20))
    check("BF16" in message, message)


def _declare_scalar(name, data):
    @case(f"datatypes/scalar_{name}")
    def scalar(address):
        with connect(address) as client:
            result = client.infer(f"scalar_{name}", [tensor("INPUT0", "FP32", data)])
        same(result.as_numpy("OUTPUT0"), data)


_declare_scalar("0dim", np.array(1.5, np.float32))
_declare_scalar("1dim", np.array([1.5], np.float32))
_declare_scalar("2dim", np.array([[1.5]], np.float32))


@case("datatypes/zero_batches")
def zero_batches(address):
    """As L0_infer_zero: rows without elements beside rows with some."""
    with connect(address) as client:
        for widths in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 1)):
            for rows in (1, 8):
                sent = [np.ones((rows, width), np.float32) for width in widths]
                inputs = [tensor(f"INPUT{i}", "FP32", one) for i, one in enumerate(sent)]
                result = client.infer("zero_3_fp32", inputs)
                for i, one in enumerate(sent):
                    same(result.as_numpy(f"OUTPUT{i}"), one)


@case("datatypes/no_rows")
def no_rows(address):
    """A batch of no rows is none; a model that is never batched takes what comes."""
    with connect(address) as client:
        inputs = [tensor("INPUT0", "FP32", np.empty((0, 4), np.float32))]
        refused("INVALID_ARGUMENT", lambda: client.infer("identity_fp32", inputs))
        empty = np.empty((0,), np.float32)
        result = client.infer("nobatch_fp32", [tensor("INPUT0", "FP32", empty)])
        same(result.as_numpy("OUTPUT0"), empty)
