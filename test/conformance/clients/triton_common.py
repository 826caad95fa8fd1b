"""What the cases of tritonclient share."""

import numpy as np
import tritonclient.http as triton
from harness import check, equal, raises
from tritonclient.utils import InferenceServerException

NUMPY = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}

TEXTS = ["", "a", "ä€😀", 'quote " and \\ backslash', "line\nbreak\ttab", "\u2028", "x" * 70_000]

TIMEOUT_SECONDS = 20.0


def values(datatype):
    """Two rows that hold the extremes of a datatype."""
    kind = NUMPY[datatype]
    if datatype == "BOOL":
        return np.array([[True, False], [False, False]])
    if datatype == "BYTES":
        return np.array([TEXTS[:4], [*TEXTS[4:], "end"]], dtype=object)
    if datatype in ("FP32", "FP64"):
        limits = np.finfo(kind)
        row = [0.0, -0.0, 0.1, -1.5, 1 / 3, limits.max, limits.min, limits.tiny]
        return np.array([row, [limits.smallest_subnormal, 1e-5, 1e5, 1e21, 7, 8, 9, 10]], kind)
    limits = np.iinfo(kind)
    return np.array([[limits.min, limits.max], [limits.max - 1, 1]], kind)


def connect(address, **options):
    settings = {"connection_timeout": TIMEOUT_SECONDS, "network_timeout": TIMEOUT_SECONDS}
    return triton.InferenceServerClient(address, **(settings | options))


def tensor(name, datatype, data, binary=True):
    """An input of the shape of `data`."""
    made = triton.InferInput(name, list(data.shape), datatype)
    made.set_data_from_numpy(data, binary_data=binary)
    return made


def wanted(*names, binary=True):
    return [triton.InferRequestedOutput(name, binary_data=binary) for name in names]


def same(got, expected):
    """Equal in shape, type and bits; text is compared as bytes, NaN with NaN."""
    check(got is not None, "the output is missing")
    equal(tuple(got.shape), tuple(expected.shape), "shape")
    if expected.dtype == np.object_:
        equal([as_bytes(one) for one in got.flat], [as_bytes(one) for one in expected.flat])
        return
    equal(got.dtype, expected.dtype, "type")
    check(np.array_equal(got, expected, equal_nan=got.dtype.kind == "f"),
          f"got {got.flatten()[:8]}, wanted {expected.flatten()[:8]}")


def as_bytes(text):
    return text.encode() if isinstance(text, str) else bytes(text)


def echo(client, datatype, data, binary_in=True, binary_out=True, **options):
    """Sends `data` to the identity of its datatype and compares what comes back."""
    model = f"identity_{datatype.lower()}"
    inputs = [tensor("INPUT0", datatype, data, binary_in)]
    outputs = wanted("OUTPUT0", binary=binary_out)
    result = client.infer(model, inputs, outputs=outputs, **options)
    same(result.as_numpy("OUTPUT0"), data)
    return result


def pair(binary=True):
    """Inputs of `simple`, and what it answers."""
    a = np.arange(16, dtype=np.int32).reshape(1, 16)
    b = np.full((1, 16), 3, dtype=np.int32)
    inputs = [tensor("INPUT0", "INT32", a, binary), tensor("INPUT1", "INT32", b, binary)]
    return inputs, a + b, a - b


def refused(status, call):
    """The message with which `call` must be refused."""
    error = raises(InferenceServerException, call)
    equal(error.status(), str(status), f"status of {error.message()!r}")
    check(error.message() not in (None, ""), "the refusal has no message")
    return error.message()


def still_alive(address):
    """Whatever was done before, the next request is answered."""
    with connect(address) as client:
        echo(client, "FP32", np.ones((1, 2), np.float32), False, False)
