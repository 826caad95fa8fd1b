"""schemathesis: requests made from `/openapi.json`, and whether answers are as it says.

A case is one check of one kind of operation in one phase: all of its requests together."""

import functools
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter

from harness import case, check, equal

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
)
PHASES = ("examples", "coverage", "fuzzing")
EXAMPLES_MAX = 20
SECONDS_MAX = 280


def kind_of(label):
    """Of `METHOD PATH`."""
    method, path = label.split(" ", 1)
    if method == "POST" and path.startswith("/predict"):
        return "predict"
    if method == "POST" and path == "/feedback":
        return "feedback"
    if method == "POST" and path.startswith("/v1/"):
        return "rows"
    return "infer" if method == "POST" else "documents"


KINDS = {kind: PHASES for kind in ("predict", "infer", "rows", "feedback")}
KINDS |= {"documents": PHASES[1:]}


@functools.cache
def run(address):
    """All phases once. Counts by (phase, kind, check, status), and the first failure of each."""
    with tempfile.TemporaryDirectory() as folder:
        return _run_in(folder, address)


def _run_in(folder, address):
    report = os.path.join(folder, "events.ndjson")
    command = [sys.executable, "-m", "schemathesis.cli", "run"]
    command += [f"http://{address}/openapi.json", "--no-color", "--no-shrink"]
    command += ["--phases", ",".join(PHASES), "--checks", ",".join(CHECKS)]
    command += ["--max-examples", str(EXAMPLES_MAX), "--generation-deterministic"]
    command += ["--continue-on-failure", "--report", "ndjson", "--report-ndjson-path", report]
    here = os.path.dirname(os.path.abspath(__file__))
    hooks = {"SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": here}
    done = subprocess.run(
        command,
        **{"capture_output": True, "cwd": folder, "text": True, "env": os.environ | hooks},
        **{"timeout": SECONDS_MAX, "check": False},
    )
    # 1 is what it says of failures: the cases judge them.
    check(done.returncode in (0, 1), f"schemathesis: {done.returncode}\n{done.stdout[-2000:]}")
    counts, failures = Counter(), {}
    with open(report, encoding="utf-8") as lines:
        for line in lines:
            scenario = json.loads(line).get("ScenarioFinished")
            if scenario is not None:
                _count(scenario, counts, failures)
    return counts, failures


def _count(scenario, counts, failures):
    recorder = scenario["recorder"]
    place = (scenario["phase"], kind_of(recorder["label"]))
    for identity, checks in recorder.get("checks", {}).items():
        for one in checks:
            counts[(*place, one["name"], one["status"])] += 1
            if one["status"] != "success":
                said = one["failure_info"]["failure"]["message"]
                sent = json.dumps(recorder["cases"][identity]["value"])[:600]
                where = (*place, one["name"])
                failures.setdefault(where, f"{recorder['label']}: {said[:600]}\nsent {sent}")


def _declare(phase, kind, name):
    @case(f"{phase}/{kind}/{name}")
    def judge(address):
        counts, failures = run(address)
        check((phase, kind, name) not in failures, failures.get((phase, kind, name)))
        check(counts[(phase, kind, name, "success")] > 0, "nothing was checked")


@case("operations/all_are_judged")
def all_judged(address):
    """A path that is described later gets its cases here, or this fails."""
    counts, _ = run(address)
    equal(sorted({kind for _, kind, _, _ in counts}), sorted(KINDS))


for one, phases in KINDS.items():
    for two in itertools.product(phases, CHECKS):
        _declare(two[0], one, two[1])
