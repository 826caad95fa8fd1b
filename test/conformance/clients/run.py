"""`python run.py CLIENT --list` or `python run.py CLIENT HOST:PORT`: the cases of one client."""

import importlib
import importlib.metadata
import sys

import harness

MODULES = {
    "tritonclient-grpc": (
        "grpc_server",
        "grpc_datatypes",
        "grpc_infer",
        "grpc_payload",
        "grpc_stream",
        "grpc_errors",
        "grpc_ends",
    ),
    "tritonclient": (
        "triton_server",
        "triton_datatypes",
        "triton_infer",
        "triton_compression",
        "triton_edges",
        "triton_errors",
        "triton_raw",
    ),
    "kserve": ("kserve_rest",),
    "kserve-grpc": ("kserve_grpc",),
    "schemathesis": ("openapi_properties",),
}

if __name__ == "__main__":
    client = sys.argv[1]
    package = client.removesuffix("-grpc")
    for module in MODULES[client]:
        importlib.import_module(module)
    harness.main(importlib.metadata.version(package))
