"""What the cases of tritonclient's gRPC half share."""

import contextlib
import queue

import grpc
import numpy as np
import tritonclient.grpc as triton
from harness import check, equal, raises
from triton_common import as_bytes, same
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

TIMEOUT_SECONDS = 20.0

# The field of InferTensorContents that carries a datatype (Open Inference Protocol).
CONTENTS = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def connect(address, **options):
    return triton.InferenceServerClient(address, **options)


@contextlib.contextmanager
def stub(address, *options):
    """Calls without tritonclient, which always sends raw tensors and hides metadata."""
    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(address, options=[*limits, *options]) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


@contextlib.contextmanager
def caller(address, path):
    """A unary call of bytes, of a service that tritonclient has no messages for."""
    with grpc.insecure_channel(address) as channel:
        yield channel.unary_unary(path)


def tensor(name, datatype, data):
    """An input of the shape of `data`."""
    made = triton.InferInput(name, list(data.shape), datatype)
    made.set_data_from_numpy(data)
    return made


def wanted(*names):
    return [triton.InferRequestedOutput(name) for name in names]


def echo(client, datatype, data, **options):
    """Sends `data` to the identity of its datatype and compares what comes back."""
    options = {"client_timeout": TIMEOUT_SECONDS} | options
    inputs = [tensor("INPUT0", datatype, data)]
    result = client.infer(f"identity_{datatype.lower()}", inputs, **options)
    same(result.as_numpy("OUTPUT0"), data)
    return result


def pair():
    """Inputs of `simple`, and what it answers."""
    a = np.arange(16, dtype=np.int32).reshape(1, 16)
    b = np.full((1, 16), 3, dtype=np.int32)
    return [tensor("INPUT0", "INT32", a), tensor("INPUT1", "INT32", b)], a + b, a - b


def typed_request(model, datatype, shape, values, **fields):
    """One input whose values stand in its contents."""
    request = service_pb2.ModelInferRequest(model_name=model, **fields)
    entry = request.inputs.add(name="INPUT0", datatype=datatype, shape=shape)
    getattr(entry.contents, CONTENTS[datatype]).extend(values)
    return request


def raw_request(model, datatype, shape, *raw, **fields):
    request = service_pb2.ModelInferRequest(model_name=model, **fields)
    request.inputs.add(name="INPUT0", datatype=datatype, shape=shape)
    request.raw_input_contents.extend(raw)
    return request


def status_of(error):
    """`INVALID_ARGUMENT`, of an exception of tritonclient or of grpc."""
    if isinstance(error, InferenceServerException):
        return str(error.status()).removeprefix("StatusCode.")
    return error.code().name


def message_of(error):
    return error.message() if isinstance(error, InferenceServerException) else error.details()


def refused(status, call):
    """The message with which `call` must be refused."""
    error = raises(Exception, call)
    check(isinstance(error, (InferenceServerException, grpc.RpcError)), f"got {error!r}")
    equal(status_of(error), status, f"status of {message_of(error)!r}")
    check(message_of(error) not in (None, ""), "the refusal has no message")
    return message_of(error)


class Answers:
    """A callback of tritonclient that keeps what comes, in order."""

    def __init__(self):
        self._queue = queue.Queue()

    def __call__(self, result, error):
        self._queue.put(result if error is None else error)

    def next(self):
        """A result, or the error."""
        return self._queue.get(timeout=TIMEOUT_SECONDS)

    def result(self):
        got = self.next()
        check(not isinstance(got, Exception), f"got {got!r}, wanted a result")
        return got

    def error(self):
        got = self.next()
        check(isinstance(got, InferenceServerException), f"got {got!r}, wanted an error")
        return got


def texts(array):
    return [as_bytes(one).decode() for one in array.flat]


def still_alive(address):
    """Whatever was done before, the next request is answered."""
    with connect(address) as client:
        echo(client, "FP32", np.ones((1, 2), np.float32))
