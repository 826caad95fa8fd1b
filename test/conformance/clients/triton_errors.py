"""What tritonclient makes of refusals: an exception with the server's message and status.

After L0_input_validation; every case ends with a request that must be answered."""

import numpy as np
import tritonclient.http as triton
from harness import case, check, contains
from triton_common import connect, pair, refused, still_alive, tensor, wanted


def _infer(address, model, inputs, outputs=None, **options):
    def call():
        with connect(address) as client:
            return client.infer(model, inputs, outputs=outputs, **options)

    return call


def _ones(*shape, kind=np.float32):
    return np.ones(shape, kind)


def _fails(name, status, mentions):
    """Declares a case: the function gives the call that must be refused."""

    def declare(function):
        @case(f"errors/{name}")
        def run(address):
            message = refused(status, function(address))
            for part in mentions:
                contains(message, part)
            still_alive(address)

        return function

    return declare


@_fails("unknown_model", 404, ["absent"])
def unknown_model(address):
    return _infer(address, "absent", pair()[0])


@_fails("unknown_version", 404, ["7"])
def unknown_version(address):
    return _infer(address, "simple", pair()[0], model_version="7")


@_fails("version_that_is_no_number", 404, ["latest"])
def word_for_version(address):
    return _infer(address, "simple", pair()[0], model_version="latest")


@_fails("model_name_with_a_path", 404, [])
def path_for_model(address):
    return _infer(address, "../simple", pair()[0])


@_fails("empty_model_name", 404, [])
def empty_model(address):
    return _infer(address, "", pair()[0])


@_fails("no_inputs", 400, ["INPUT0"])
def no_inputs(address):
    return _infer(address, "simple", [], wanted("OUTPUT0", binary=False))


@_fails("missing_input", 400, ["INPUT1"])
def missing_input(address):
    return _infer(address, "simple", pair()[0][:1])


@_fails("missing_input_json", 400, ["INPUT1"])
def missing_input_json(address):
    return _infer(address, "simple", pair(False)[0][:1], wanted("OUTPUT0", binary=False))


@_fails("unknown_input", 400, ["INPUT9"])
def unknown_input(address):
    extra = tensor("INPUT9", "INT32", _ones(1, 16, kind=np.int32))
    return _infer(address, "simple", [*pair()[0], extra])


@_fails("input_given_twice", 400, ["INPUT0"])
def input_twice(address):
    [a, b], _, _ = pair()
    return _infer(address, "simple", [a, b, a])


@_fails("unknown_output", 400, ["OUTPUT9"])
def unknown_output(address):
    return _infer(address, "simple", pair()[0], wanted("OUTPUT9"))


@_fails("output_requested_twice", 400, ["OUTPUT0"])
def output_twice(address):
    return _infer(address, "simple", pair()[0], wanted("OUTPUT0", "OUTPUT0"))


def _declare_for_both(name, status, mentions, inputs_of):
    """The same fault, sent binary and as JSON."""
    for binary in (True, False):

        @_fails(f"{name}_{'binary' if binary else 'json'}", status, mentions)
        def call(address, binary=binary):
            model, inputs = inputs_of(binary)
            return _infer(address, model, inputs)


def _wrong_datatype(binary):
    data = _ones(1, 16)
    return "simple", [tensor(f"INPUT{i}", "FP32", data, binary) for i in range(2)]


def _wrong_width(binary):
    data = _ones(1, 15, kind=np.int32)
    return "simple", [tensor(f"INPUT{i}", "INT32", data, binary) for i in range(2)]


def _wrong_rank(binary):
    data = _ones(16, kind=np.int32)
    return "simple", [tensor(f"INPUT{i}", "INT32", data, binary) for i in range(2)]


def _different_rows(binary):
    sides = (1, 2)
    inputs = [tensor(f"INPUT{i}", "INT32", _ones(rows, 16, kind=np.int32), binary)
              for i, rows in enumerate(sides)]
    return "simple", inputs


def _more_data_than_shape(binary):
    data = tensor("INPUT0", "FP32", _ones(1, 10), binary)
    return "identity_fp32", [data.set_shape([1, 8])]


def _less_data_than_shape(binary):
    data = tensor("INPUT0", "FP32", _ones(1, 8), binary)
    return "identity_fp32", [data.set_shape([1, 10])]


def _negative_shape(binary):
    return "identity_fp32", [tensor("INPUT0", "FP32", _ones(1, 8), binary).set_shape([-1, 8])]


def _overflowing_shape(binary):
    made = tensor("INPUT0", "FP32", _ones(1, 8), binary)
    return "identity_fp32", [made.set_shape([2**32, 2**32])]


_declare_for_both("wrong_datatype", 400, ["FP32", "INT32"], _wrong_datatype)
_declare_for_both("wrong_width", 400, ["INPUT0", "15"], _wrong_width)
_declare_for_both("wrong_rank", 400, ["INPUT0"], _wrong_rank)
_declare_for_both("different_rows", 400, [], _different_rows)
_declare_for_both("more_data_than_shape", 400, ["INPUT0"], _more_data_than_shape)
_declare_for_both("less_data_than_shape", 400, ["INPUT0"], _less_data_than_shape)
_declare_for_both("negative_shape", 400, [], _negative_shape)
_declare_for_both("overflowing_shape", 400, [], _overflowing_shape)


@_fails("unknown_datatype", 400, ["FP128"])
def unknown_datatype(address):
    made = tensor("INPUT0", "FP32", _ones(1, 4))
    made._datatype = "FP128"
    return _infer(address, "identity_fp32", [made])


@_fails("input_without_data", 400, ["INPUT0"])
def without_data(address):
    made = triton.InferInput("INPUT0", [1, 4], "FP32")
    return _infer(address, "identity_fp32", [made], wanted("OUTPUT0", binary=False))


@_fails("shared_memory_is_not_offered", 400, ["shared_memory"])
def shared_memory(address):
    made = triton.InferInput("INPUT0", [1, 4], "FP32")
    made.set_shared_memory("region", 16)
    return _infer(address, "identity_fp32", [made])


@_fails("boolean_that_is_none", 400, ["INPUT0"])
def not_a_boolean(address):
    """A byte of BOOL other than 0 and 1 is no value of that type."""
    made = tensor("INPUT0", "BOOL", np.array([[True, False]]))
    made._raw_data = b"\x01\x02"
    return _infer(address, "identity_bool", [made])


@_fails("text_lengths_beyond_the_end", 400, ["INPUT0"])
def text_beyond(address):
    made = tensor("INPUT0", "BYTES", np.array([["abcd"]], object))
    made._raw_data = b"\xff\xff\xff\x7fabcd"
    made._parameters["binary_data_size"] = len(made._raw_data)
    return _infer(address, "identity_bytes", [made])


@_fails("texts_fewer_than_shape", 400, ["INPUT0"])
def texts_fewer(address):
    made = tensor("INPUT0", "BYTES", np.array([["abcd"]], object))
    return _infer(address, "identity_bytes", [made.set_shape([1, 2])])


@_fails("binary_size_beyond_the_body", 400, [])
def size_beyond(address):
    made = tensor("INPUT0", "FP32", _ones(1, 4))
    made._raw_data = made._raw_data[:8]
    return _infer(address, "identity_fp32", [made])


@_fails("bytes_that_no_tensor_takes", 400, [])
def left_over(address):
    made = tensor("INPUT0", "FP32", _ones(1, 4))
    made._raw_data += b"\0" * 8
    return _infer(address, "identity_fp32", [made])


@_fails("model_fails", 500, [])
def model_fails(address):
    """Row 12 of a table of ten: the run fails, and the client is told."""
    data = np.array([[12]], np.int64)
    return _infer(address, "lookup", [tensor("x", "INT64", data)])


@case("errors/statuses_are_never_success")
def never_success(address):
    """tritonclient takes 200 for success and nothing else."""
    with connect(address) as client:
        for path in ("v2/models/absent", "v2/nowhere", "nowhere", "v2/models/simple/versions/9"):
            answer = client._get(path, None, None)
            check(answer.status_code >= 400, f"{path}: {answer.status_code}")
            check(b"error" in answer.read() or path == "nowhere", f"{path}: no error")


@case("errors/transfer_encoding_is_for_others")
def transfer_encoding(address):
    """tritonclient itself refuses the header: nothing must reach the server."""
    for encoding in ("chunked", "gzip"):
        headers = {"Transfer-Encoding": encoding}
        call = _infer(address, "simple", pair()[0], headers=headers)
        error = None
        try:
            call()
        except triton.InferenceServerException as caught:
            error = caught
        check(error is not None and "Unsupported HTTP header" in str(error), f"got {error}")
    still_alive(address)
