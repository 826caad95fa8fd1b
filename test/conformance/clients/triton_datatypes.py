"""Every datatype through its identity: JSON and binary, each way, with the extremes of each."""

import itertools

import numpy as np
from harness import case
from triton_common import NUMPY, connect, echo, values


def _declare(datatype, binary_in, binary_out):
    way = f"{'binary' if binary_in else 'json'}_to_{'binary' if binary_out else 'json'}"

    @case(f"datatypes/{datatype}_{way}")
    def round_trip(address):
        with connect(address) as client:
            echo(client, datatype, values(datatype), binary_in, binary_out)


for one in itertools.product(NUMPY, (True, False), (True, False)):
    _declare(*one)


@case("datatypes/BYTES_of_numpy_strings")
def numpy_strings(address):
    """Arrays of `S` instead of objects, as L0_string_io sends them."""
    data = np.array([[str(i).encode() for i in range(10_000, 10_008)]])
    with connect(address) as client:
        for binary in (True, False):
            echo(client, "BYTES", data.astype(object), binary, binary)
            inputs = data.astype(np.bytes_)
            echo(client, "BYTES", inputs.astype(object), binary, not binary)


@case("datatypes/BYTES_not_utf8")
def not_utf8(address):
    """L0_string_io: binary tensors carry any bytes."""
    data = np.array([[b"\n\xfa\x03\x94", b"\xff\xfe"]], dtype=object)
    with connect(address) as client:
        echo(client, "BYTES", data)


@case("datatypes/BYTES_nul")
def nul(address):
    """L0_nullchar_string: a NUL is a character like any other."""
    data = np.array([["abc\0def"]], dtype=object)
    with connect(address) as client:
        echo(client, "BYTES", data)


@case("datatypes/FP32_not_finite_binary")
def not_finite(address):
    """Binary tensors carry NaN and the infinities both ways."""
    data = np.array([[np.nan, np.inf, -np.inf, 1]], np.float32)
    with connect(address) as client:
        echo(client, "FP32", data)
        echo(client, "FP64", data.astype(np.float64))


@case("datatypes/FP16_binary")
def half(address):
    data = np.array([[1, 2]], np.float16)
    with connect(address) as client:
        echo(client, "FP16", data)
