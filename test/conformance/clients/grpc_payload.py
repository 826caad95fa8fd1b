"""Large messages over gRPC, and compressed ones: L0_large_payload and L0_data_compression."""

import numpy as np
from grpc_common import connect, echo, refused, stub, tensor, typed_request
from harness import case, equal

MIB = 2**20


def _declare_compression(algorithm):
    @case(f"compression/{algorithm}")
    def compressed(address):
        with connect(address) as client:
            data = np.arange(4096, dtype=np.float32).reshape(4, 1024)
            echo(client, "FP32", data, compression_algorithm=algorithm)
            same_text = np.array([["same text"] * 500], object)
            echo(client, "BYTES", same_text, compression_algorithm=algorithm)
            large = np.arange(MIB // 2, dtype=np.float32).reshape(1, -1)
            echo(client, "FP32", large, compression_algorithm=algorithm)


_declare_compression("gzip")
_declare_compression("deflate")


def _declare_payload(mib, rows):
    @case(f"payload/{mib}_MiB_of_{rows}_rows")
    def payload(address):
        columns = mib * MIB // 4 // rows
        with connect(address) as client:
            echo(client, "FP32", np.arange(rows * columns, dtype=np.float32).reshape(rows, columns))


_declare_payload(16, 1)
_declare_payload(60, 64)


@case("payload/over_the_limit")
def over_the_limit(address):
    """L0_large_payload: what is too large is refused, also where it is small on the wire."""
    data = np.zeros((1, 17 * MIB), np.float32)
    with connect(address) as client:
        for algorithm in (None, "gzip", "deflate"):
            made = tensor("INPUT0", "FP32", data)
            refused(
                "RESOURCE_EXHAUSTED",
                lambda made=made, algorithm=algorithm: client.infer(
                    "identity_fp32", [made], compression_algorithm=algorithm
                ),
            )
        echo(client, "FP32", np.ones((1, 2), np.float32))


@case("payload/wide_contents")
def wide_contents(address):
    data = [i / 7 for i in range(200_000)]
    with stub(address) as calls:
        request = typed_request("identity_fp64", "FP64", [1, len(data)], data)
        [output] = calls.ModelInfer(request, timeout=20).outputs
    equal(list(output.contents.fp64_contents), data)
