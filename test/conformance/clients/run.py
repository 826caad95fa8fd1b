"""`python run.py CLIENT --list` or `python run.py CLIENT HOST:PORT`: the cases of one client."""

import importlib
import importlib.metadata
import sys

import harness

MODULES = {
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
    "schemathesis": ("openapi_properties",),
}

if __name__ == "__main__":
    client = sys.argv[1]
    for module in MODULES[client]:
        importlib.import_module(module)
    harness.main(importlib.metadata.version(client))
