"""What tritonclient's gRPC half makes of refusals: an exception with the server's message and
status. After L0_input_validation; every case ends with a request that must be answered."""

import numpy as np
import tritonclient.grpc as triton
from grpc_common import (
    caller,
    connect,
    pair,
    raw_request,
    refused,
    still_alive,
    stub,
    tensor,
    typed_request,
    wanted,
)
from harness import case, contains


def _infer(address, model, inputs, outputs=None, **options):
    def call():
        with connect(address) as client:
            return client.infer(model, inputs, outputs=outputs, client_timeout=20, **options)

    return call


def _send(address, request):
    def call():
        with stub(address) as calls:
            return calls.ModelInfer(request, timeout=20)

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


@_fails("unknown_model", "NOT_FOUND", ["Request for unknown model: 'absent'"])
def unknown_model(address):
    return _infer(address, "absent", pair()[0])


@_fails("unknown_version", "NOT_FOUND", ["7"])
def unknown_version(address):
    return _infer(address, "simple", pair()[0], model_version="7")


@_fails("version_that_is_no_number", "NOT_FOUND", ["latest"])
def word_for_version(address):
    return _infer(address, "simple", pair()[0], model_version="latest")


@_fails("model_name_with_a_path", "NOT_FOUND", [])
def path_for_model(address):
    return _infer(address, "../simple", pair()[0])


@_fails("model_name_with_a_version", "NOT_FOUND", [])
def version_in_name(address):
    return _infer(address, "simple/versions/1", pair()[0])


@_fails("model_name_with_a_query", "NOT_FOUND", [])
def query_in_name(address):
    return _infer(address, "simple?a=b", pair()[0])


@_fails("empty_model_name", "INVALID_ARGUMENT", ["names no model"])
def empty_model(address):
    return _infer(address, "", pair()[0])


@_fails("no_inputs", "INVALID_ARGUMENT", ["INPUT0"])
def no_inputs(address):
    return _infer(address, "simple", [])


@_fails("missing_input", "INVALID_ARGUMENT", ["INPUT1"])
def missing_input(address):
    return _infer(address, "simple", pair()[0][:1])


@_fails("unknown_input", "INVALID_ARGUMENT", ["INPUT9"])
def unknown_input(address):
    extra = tensor("INPUT9", "INT32", _ones(1, 16, kind=np.int32))
    return _infer(address, "simple", [*pair()[0], extra])


@_fails("input_given_twice", "INVALID_ARGUMENT", ["INPUT0"])
def input_twice(address):
    [a, b], _, _ = pair()
    return _infer(address, "simple", [a, b, a])


@_fails("unknown_output", "INVALID_ARGUMENT", ["OUTPUT9"])
def unknown_output(address):
    return _infer(address, "simple", pair()[0], wanted("OUTPUT9"))


@_fails("output_requested_twice", "INVALID_ARGUMENT", ["OUTPUT0"])
def output_twice(address):
    return _infer(address, "simple", pair()[0], wanted("OUTPUT0", "OUTPUT0"))


@_fails("wrong_datatype", "INVALID_ARGUMENT", ["FP32", "INT32"])
def wrong_datatype(address):
    return _infer(address, "simple", [tensor(f"INPUT{i}", "FP32", _ones(1, 16)) for i in range(2)])


def _ints(*shapes):
    return [
        tensor(f"INPUT{i}", "INT32", _ones(*shape, kind=np.int32))
        for i, shape in enumerate(shapes)
    ]


@_fails("wrong_width", "INVALID_ARGUMENT", ["INPUT0", "15"])
def wrong_width(address):
    return _infer(address, "simple", _ints((1, 15), (1, 15)))


@_fails("wrong_rank", "INVALID_ARGUMENT", ["INPUT0"])
def wrong_rank(address):
    return _infer(address, "simple", _ints((16,), (16,)))


@_fails("different_rows", "INVALID_ARGUMENT", [])
def different_rows(address):
    return _infer(address, "simple", _ints((1, 16), (2, 16)))


def _shaped(shape, columns=8):
    return tensor("INPUT0", "FP32", _ones(1, columns)).set_shape(shape)


@_fails("more_data_than_shape", "INVALID_ARGUMENT", ["INPUT0"])
def more_data(address):
    return _infer(address, "identity_fp32", [_shaped([1, 8], 10)])


@_fails("less_data_than_shape", "INVALID_ARGUMENT", ["INPUT0"])
def less_data(address):
    return _infer(address, "identity_fp32", [_shaped([1, 10])])


@_fails("negative_shape", "INVALID_ARGUMENT", [])
def negative_shape(address):
    return _infer(address, "identity_fp32", [_shaped([-1, 8])])


@_fails("overflowing_shape", "INVALID_ARGUMENT", [])
def overflowing_shape(address):
    return _infer(address, "identity_fp32", [_shaped([2**32, 2**32])])


@_fails("shape_of_no_memory", "INVALID_ARGUMENT", [])
def shape_of_no_memory(address):
    return _infer(address, "identity_fp32", [_shaped([1, 2**31 - 1])])


@_fails("unknown_datatype", "INVALID_ARGUMENT", ["FP128"])
def unknown_datatype(address):
    return _send(address, raw_request("identity_fp32", "FP128", [1, 1], bytes(16)))


@_fails("input_without_data", "INVALID_ARGUMENT", ["INPUT0"])
def without_data(address):
    made = triton.InferInput("INPUT0", [1, 4], "FP32")
    return _infer(address, "identity_fp32", [made])


@_fails("shared_memory_is_not_offered", "UNIMPLEMENTED", ["shared_memory"])
def shared_memory(address):
    made = triton.InferInput("INPUT0", [1, 4], "FP32")
    made.set_shared_memory("region", 16)
    return _infer(address, "identity_fp32", [made])


@_fails("shared_memory_of_outputs_is_not_offered", "UNIMPLEMENTED", ["shared_memory"])
def shared_memory_output(address):
    [output] = wanted("OUTPUT0")
    output.set_shared_memory("region", 16)
    return _infer(address, "identity_fp32", [tensor("INPUT0", "FP32", _ones(1, 4))], [output])


@_fails("boolean_that_is_none", "INVALID_ARGUMENT", ["INPUT0"])
def not_a_boolean(address):
    return _send(address, raw_request("identity_bool", "BOOL", [1, 2], b"\x01\x02"))


@_fails("text_lengths_beyond_the_end", "INVALID_ARGUMENT", ["INPUT0"])
def text_beyond(address):
    return _send(address, raw_request("identity_bytes", "BYTES", [1, 1], b"\xff\xff\xff\x7fabcd"))


@_fails("texts_fewer_than_shape", "INVALID_ARGUMENT", ["INPUT0"])
def texts_fewer(address):
    return _send(address, raw_request("identity_bytes", "BYTES", [1, 2], b"\x04\0\0\0abcd"))


@_fails("texts_more_than_shape", "INVALID_ARGUMENT", ["INPUT0"])
def texts_more(address):
    raw = b"\x01\0\0\0a\x01\0\0\0b"
    return _send(address, raw_request("identity_bytes", "BYTES", [1, 1], raw))


@_fails("raw_contents_fewer_than_inputs", "INVALID_ARGUMENT", [])
def raw_fewer(address):
    request = raw_request("simple", "INT32", [1, 16], bytes(64))
    request.inputs.add(name="INPUT1", datatype="INT32", shape=[1, 16])
    return _send(address, request)


@_fails("raw_contents_more_than_inputs", "INVALID_ARGUMENT", [])
def raw_more(address):
    return _send(address, raw_request("identity_fp32", "FP32", [1, 2], bytes(8), bytes(8)))


@_fails("raw_beside_contents", "INVALID_ARGUMENT", ["INPUT0"])
def raw_beside_contents(address):
    """Triton: what is raw for one input is raw for all, and none has contents."""
    request = raw_request("identity_fp32", "FP32", [1, 2], bytes(8))
    request.inputs[0].contents.fp32_contents.extend([1, 2])
    return _send(address, request)


@_fails("contents_of_another_datatype", "INVALID_ARGUMENT", ["INPUT0"])
def other_contents(address):
    request = typed_request("identity_fp32", "FP32", [1, 2], [])
    request.inputs[0].contents.fp64_contents.extend([1, 2])
    return _send(address, request)


@_fails("contents_of_two_datatypes", "INVALID_ARGUMENT", ["INPUT0"])
def two_contents(address):
    request = typed_request("identity_fp32", "FP32", [1, 2], [1, 2])
    request.inputs[0].contents.int_contents.extend([1, 2])
    return _send(address, request)


@_fails("contents_fewer_than_shape", "INVALID_ARGUMENT", ["INPUT0"])
def contents_fewer(address):
    return _send(address, typed_request("identity_int64", "INT64", [2, 2], [1, 2, 3]))


@_fails("contents_more_than_shape", "INVALID_ARGUMENT", ["INPUT0"])
def contents_more(address):
    return _send(address, typed_request("identity_int64", "INT64", [1, 2], [1, 2, 3]))


@_fails("model_fails", "INTERNAL", [])
def model_fails(address):
    """Row 12 of a table of ten: the run fails, and the client is told."""
    data = np.array([[12]], np.int64)
    return _infer(address, "lookup", [tensor("x", "INT64", data)])


@case("errors/no_protobuf")
def no_protobuf(address):
    """Bytes that are no message, in every call that takes one."""
    garbage = (
        b"\x0a\x7fshort",
        b"\xff" * 40,
        b"\x08",
        b"\x0b" * 200,
        b"\x00\x01",
        b"\x0a\xff\xff\xff\xff\x0f",
    )
    service = "/inference.GRPCInferenceService/"
    for name in ("ModelInfer", "ModelMetadata", "ModelConfig", "RepositoryIndex", "ModelReady"):
        with caller(address, service + name) as call:
            for one in garbage:
                refused("INVALID_ARGUMENT", lambda call=call, one=one: call(one, timeout=20))
    still_alive(address)


@case("errors/text_that_is_not_utf8")
def not_utf8(address):
    """A name must be UTF-8 (proto3): it is refused, or no model has it."""
    with caller(address, "/inference.GRPCInferenceService/ModelInfer") as call:
        for name in (b"\xff\xfe", b"a\xc3", b"\xed\xa0\x80"):
            request = b"\x0a" + bytes([len(name)]) + name
            try:
                call(request, timeout=20)
            except Exception as error:
                code = error.code().name
                if code not in ("INVALID_ARGUMENT", "NOT_FOUND"):
                    raise AssertionError(f"{name!r}: {code}") from error
            else:
                raise AssertionError(f"{name!r} was answered")
    still_alive(address)
