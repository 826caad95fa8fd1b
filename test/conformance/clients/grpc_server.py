"""Health, metadata, statistics and the repository over gRPC, as tritonclient asks for them."""

import grpc
import numpy as np
from grpc_common import caller, connect, echo, refused, still_alive
from harness import case, check, contains, equal, raises


@case("server/live_and_ready")
def live(address):
    with connect(address) as client:
        equal(client.is_server_live(), True)
        equal(client.is_server_ready(client_timeout=20), True)


@case("server/metadata")
def metadata(address):
    with connect(address) as client:
        got = client.get_server_metadata()
        equal(got.name, "sluice")
        check(got.version != "", "no version")
        check("statistics" in got.extensions, f"extensions: {got.extensions}")
        equal(client.get_server_metadata(as_json=True)["name"], "sluice")


@case("model/metadata")
def model_metadata(address):
    with connect(address) as client:
        got = client.get_model_metadata("simple")
    equal(got.name, "simple")
    equal(list(got.versions), ["1"])
    equal(got.platform, "onnxruntime_onnx")
    tensors = [(one.name, one.datatype, list(one.shape)) for one in got.inputs]
    equal(tensors, [("INPUT0", "INT32", [-1, 16]), ("INPUT1", "INT32", [-1, 16])])
    equal([one.name for one in got.outputs], ["OUTPUT0", "OUTPUT1"])


@case("model/metadata_of_version")
def version_metadata(address):
    with connect(address) as client:
        equal(list(client.get_model_metadata("versions", "2").versions), ["2"])
        equal(list(client.get_model_metadata("versions").versions), ["1", "2"])


@case("model/unknown")
def unknown(address):
    with connect(address) as client:
        for ask in (
            client.get_model_metadata,
            client.get_model_config,
            client.get_inference_statistics,
        ):
            contains(refused("NOT_FOUND", lambda ask=ask: ask("absent")), "absent")
            refused("NOT_FOUND", lambda ask=ask: ask("versions", "9"))
            refused("NOT_FOUND", lambda ask=ask: ask("versions", "latest"))
        refused("NOT_FOUND", lambda: client.get_model_metadata("../simple"))
        refused("NOT_FOUND", lambda: client.get_model_metadata("simple/versions/1"))
    still_alive(address)


@case("model/ready")
def model_ready(address):
    with connect(address) as client:
        equal(client.is_model_ready("simple"), True)
        equal(client.is_model_ready("versions", "2"), True)
        equal(client.is_model_ready("versions", "9"), False)
        equal(client.is_model_ready("absent"), False)


@case("model/config")
def config(address):
    with connect(address) as client:
        got = client.get_model_config("simple").config
        equal(got.name, "simple")
        check(got.max_batch_size > 0, f"max_batch_size: {got.max_batch_size}")
        dims = {one.name: list(one.dims) for one in got.input}
        equal(dims, {"INPUT0": [16], "INPUT1": [16]})
        equal([one.name for one in got.output], ["OUTPUT0", "OUTPUT1"])
        equal(client.get_model_config("nobatch_fp32").config.max_batch_size, 0)


@case("model/statistics")
def statistics(address):
    data = np.ones((3, 2), np.float32)
    with connect(address) as client:
        def of_identity():
            [row] = client.get_inference_statistics("identity_fp32", "1").model_stats
            return row

        before = of_identity()
        equal((before.name, before.version), ("identity_fp32", "1"))
        echo(client, "FP32", data)
        after = of_identity()
        equal(after.inference_count - before.inference_count, 3, "rows")
        equal(after.inference_stats.success.count - before.inference_stats.success.count, 1)
        check(after.last_inference >= before.last_inference > 0, "last_inference went back")
        check(after.inference_stats.success.ns > before.inference_stats.success.ns, "no time")
        names = {row.name for row in client.get_inference_statistics().model_stats}
        check({"simple", "versions", "identity_fp32"} <= names, f"of all models: {names}")


@case("repository/index")
def index(address):
    with connect(address) as client:
        rows = client.get_model_repository_index().models
    found = {(row.name, row.version): row.state for row in rows}
    for key in (("simple", "1"), ("versions", "1"), ("versions", "2")):
        equal(found.get(key), "READY", f"state of {key}")


@case("repository/load_and_unload_refused")
def load_and_unload(address):
    """Clients change no model, unless the server was told to let them."""
    with connect(address) as client:
        refused("PERMISSION_DENIED", lambda: client.load_model("simple"))
        refused("PERMISSION_DENIED", lambda: client.unload_model("simple"))
        equal(client.is_model_ready("simple"), True)


@case("settings/changes_refused")
def settings(address):
    with connect(address) as client:
        refused("PERMISSION_DENIED", lambda: client.update_log_settings({"log_verbose_level": 1}))
        change = {"trace_rate": "1"}
        refused("PERMISSION_DENIED", lambda: client.update_trace_settings(settings=change))
        refused("UNIMPLEMENTED", client.get_log_settings)
        refused("UNIMPLEMENTED", client.get_trace_settings)


@case("extensions/shared_memory")
def shared_memory(address):
    with connect(address) as client:
        for call in (
            client.get_system_shared_memory_status,
            client.get_cuda_shared_memory_status,
            client.unregister_system_shared_memory,
            client.unregister_cuda_shared_memory,
            lambda: client.register_system_shared_memory("region", "/key", 64),
            lambda: client.register_cuda_shared_memory("region", b"aGFuZGxl", 0, 64),
        ):
            refused("UNIMPLEMENTED", call)
    still_alive(address)


@case("server/headers")
def headers(address):
    with connect(address) as client:
        equal(client.is_server_live(headers={"x-anything": "1"}), True)
        data = np.ones((1, 2), np.float32)
        echo(client, "FP32", data, headers={"x-request-id": "conformance-1", "x-b-bin": b"\xff"})


SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}


@case("health/check")
def health(address):
    """`grpc.health.v1`: the server as a whole, its service, and one that is not."""
    with caller(address, "/grpc.health.v1.Health/Check") as check_health:
        equal(check_health(b"", timeout=20), SERVING)
        name = b"inference.GRPCInferenceService"
        equal(check_health(bytes([0x0A, len(name)]) + name, timeout=20), SERVING)
        refused("NOT_FOUND", lambda: check_health(b"\x0a\x06absent", timeout=20))


@case("server/unknown_calls")
def unknown_calls(address):
    """What no service has is UNIMPLEMENTED, and nothing breaks."""
    for path in (
        "/inference.GRPCInferenceService/Nothing",
        "/inference.Nothing/ModelInfer",
        "/inference.GRPCInferenceService/modelinfer",
        "/nothing",
        "/",
    ):
        with caller(address, path) as call:
            error = raises(grpc.RpcError, lambda call=call: call(b"", timeout=20))
            equal(error.code().name, "UNIMPLEMENTED", path)
    still_alive(address)
