"""Health, metadata, readiness and the repository, as tritonclient asks for them."""

import numpy as np
from harness import case, check, contains, equal
from triton_common import connect, echo, refused


@case("server/live")
def live(address):
    with connect(address) as client:
        equal(client.is_server_live(), True)


@case("server/ready")
def ready(address):
    with connect(address) as client:
        equal(client.is_server_ready(), True)


@case("server/metadata")
def metadata(address):
    with connect(address) as client:
        got = client.get_server_metadata()
    equal(got["name"], "sluice")
    check(got["version"] != "", "no version")
    check(isinstance(got["extensions"], list), "no extensions")


@case("server/metadata_extensions_are_true")
def extensions(address):
    """What is announced must work: these are the extensions that other cases try."""
    with connect(address) as client:
        announced = set(client.get_server_metadata()["extensions"])
    tried = {
        "binary_tensor_data",
        "classification",
        "model_repository",
        "model_repository(unload_dependents)",
        "model_configuration",
        "schedule_policy",
        "statistics",
    }
    equal(sorted(tried - announced), [], "not announced")
    equal(sorted(announced - tried), [], "announced, and no case tries it")


@case("model/metadata")
def model_metadata(address):
    with connect(address) as client:
        got = client.get_model_metadata("simple")
    equal(got["name"], "simple")
    equal(got["versions"], ["1"])
    equal(got["platform"], "onnxruntime_onnx")
    tensors = [(one["name"], one["datatype"], one["shape"]) for one in got["inputs"]]
    equal(tensors, [("INPUT0", "INT32", [-1, 16]), ("INPUT1", "INT32", [-1, 16])])
    equal([one["name"] for one in got["outputs"]], ["OUTPUT0", "OUTPUT1"])


@case("model/metadata_of_version")
def version_metadata(address):
    with connect(address) as client:
        equal(client.get_model_metadata("versions", "2")["versions"], ["2"])
        equal(client.get_model_metadata("versions")["versions"], ["1", "2"])


@case("model/metadata_unknown")
def metadata_unknown(address):
    with connect(address) as client:
        contains(refused(404, lambda: client.get_model_metadata("absent")), "absent")
        refused(404, lambda: client.get_model_metadata("versions", "9"))


@case("model/ready")
def model_ready(address):
    with connect(address) as client:
        equal(client.is_model_ready("simple"), True)
        equal(client.is_model_ready("versions", "2"), True)
        equal(client.is_model_ready("versions", "9"), False)
        equal(client.is_model_ready("absent"), False)


@case("server/query_parameters")
def query_parameters(address):
    """tritonclient can put a query on every path; nothing here reads it."""
    query = {"a": 1, "b": ["x y", "ä&="]}
    with connect(address) as client:
        equal(client.is_server_live(query_params=query), True)
        equal(client.is_model_ready("simple", query_params=query), True)
        equal(client.get_model_metadata("simple", query_params=query)["name"], "simple")
        data = np.ones((1, 2), np.float32)
        echo(client, "FP32", data, False, False, query_params=query)


@case("server/headers")
def headers(address):
    with connect(address) as client:
        equal(client.is_server_live(headers={"X-Anything": "1"}), True)
        data = np.ones((1, 2), np.float32)
        echo(client, "FP32", data, False, False, headers={"X-Request-Id": "conformance-1"})


@case("repository/index")
def index(address):
    with connect(address) as client:
        rows = client.get_model_repository_index()
    found = {(row["name"], row.get("version")): row.get("state") for row in rows}
    equal(found.get(("simple", "1")), "READY", "state of simple")
    equal(found.get(("versions", "1")), "READY", "state of versions/1")
    equal(found.get(("versions", "2")), "READY", "state of versions/2")


@case("repository/load_and_unload_refused")
def load_and_unload(address):
    """Clients change no model, unless the server was told to let them."""
    with connect(address) as client:
        refused(403, lambda: client.load_model("simple"))
        refused(403, lambda: client.unload_model("simple"))
        equal(client.is_model_ready("simple"), True)


@case("settings/changes_refused")
def settings(address):
    with connect(address) as client:
        refused(403, lambda: client.update_log_settings({"log_verbose_level": 1}))
        refused(403, lambda: client.update_trace_settings(settings={"trace_rate": "1"}))


@case("extensions/model_configuration")
def configuration(address):
    with connect(address) as client:
        equal(client.get_model_config("simple")["name"], "simple")


@case("extensions/schedule_policy")
def schedule_policy(address):
    with connect(address) as client:
        echo(client, "FP32", np.ones((1, 2), np.float32), timeout=1_000_000)


@case("extensions/statistics")
def statistics(address):
    with connect(address) as client:
        equal(client.get_inference_statistics("simple")["model_stats"][0]["name"], "simple")


@case("extensions/shared_memory")
def shared_memory(address):
    with connect(address) as client:
        equal(client.get_system_shared_memory_status(), [])


@case("extensions/absent_ones_say_so")
def absent(address):
    """An extension that a server lacks must look so, and not like a broken server."""
    with connect(address) as client:
        contains(refused(501, client.get_cuda_shared_memory_status), "cuda_shared_memory")
