"""Trains both versions of flight-delay: model.onnx, manifest.json, profile.json in models/.

usage: python train.py [--check]     --check writes nothing and fails if a byte would differ

Version 1, the champion, has seen 2013-01 to 03; version 2, the challenger, 2013-01 to 06. Encoding
of the categories is part of the graph, so that serving cannot differ from training. Every row of
the year is predicted by scikit-learn and by the exported file, and the script fails unless they
agree. Two runs give the same bytes.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # sums of floats depend on how threads share them

import hashlib
import json
import sys
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path

import numpy as np
import onnxruntime
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from dataset import CATEGORICAL, NUMERIC, Rows, load
from reference_profile import reference_profile

HERE = Path(__file__).parent
MODEL = HERE / "models" / "flight-delay"
PARAMETERS = {
    "max_iter": 60,
    "max_leaf_nodes": 8,
    "learning_rate": 0.1,
    "early_stopping": False,
    "random_state": 0,
}
OPSET = {"": 17, "ai.onnx.ml": 2}
SCORE_DIFFERENCE_MAX = 1e-6
PACKAGES = ["scikit-learn", "skl2onnx", "onnx", "onnxruntime", "numpy", "protobuf"]


@dataclass(frozen=True)
class Plan:
    number: int
    alias: str
    last_month: str
    parent: int | None


PLANS = [Plan(1, "champion", "2013-03", None), Plan(2, "challenger", "2013-06", 1)]


def table(rows: Rows) -> np.ndarray:
    """One object matrix: the numerics, then the categories, in the order of the tensors."""
    return np.hstack([rows.numeric.astype(object), rows.categorical.astype(object)])


def fit(rows: Rows) -> Pipeline:
    first = len(NUMERIC)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32)
    columns = ColumnTransformer(
        [
            ("numeric", "passthrough", list(range(first))),
            ("categorical", encoder, list(range(first, first + len(CATEGORICAL)))),
        ]
    )
    trees = HistGradientBoostingClassifier(**PARAMETERS)
    pipeline = Pipeline([("columns", columns), ("trees", trees)])
    return pipeline.fit(table(rows), rows.late)


def score_of(pipeline: Pipeline, rows: Rows) -> np.ndarray:
    return pipeline.predict_proba(table(rows))[:, 1]


def choose_threshold(score: np.ndarray, late: np.ndarray) -> float:
    """The threshold, in steps of .005, with the best F1 on the rows it was trained on."""
    steps = np.arange(1, 200) / 200
    quality = [f1_score(late, score >= step) for step in steps]
    return round(float(steps[int(np.argmax(quality))]), 3)


def importance(pipeline: Pipeline) -> dict[str, float]:
    """Share of each feature in the gain of all splits."""
    names = [*NUMERIC, *CATEGORICAL]
    gain = np.zeros(len(names))
    for [tree] in pipeline["trees"]._predictors:
        splits = tree.nodes[tree.nodes["is_leaf"] == 0]
        np.add.at(gain, splits["feature_idx"], splits["gain"])
    return {name: round(float(share), 6) for name, share in zip(names, gain / gain.sum())}


def export(pipeline: Pipeline, plan: Plan, threshold: float, rows: int) -> bytes:
    model = convert_sklearn(
        pipeline,
        name=f"flight-delay-{plan.alias}",
        initial_types=[
            ("numeric", FloatTensorType([None, len(NUMERIC)])),
            ("categorical", StringTensorType([None, len(CATEGORICAL)])),
        ],
        options={"zipmap": False},
        target_opset=OPSET,
    )
    # skl2onnx writes the default domain twice, which strict parsers refuse.
    domains = {entry.domain: entry.version for entry in model.opset_import}
    del model.opset_import[:]
    for domain in sorted(domains):
        model.opset_import.add(domain=domain, version=domains[domain])
    metadata = {
        "numeric": json.dumps(list(NUMERIC)),
        "categorical": json.dumps(CATEGORICAL),
        "score": "probabilities[:, 1]",
        "threshold": str(threshold),
        "trained_on": f"2013-01..{plan.last_month}",
        "rows": str(rows),
    }
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    return model.SerializeToString(deterministic=True)


def run_exported(model: bytes, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Label and score of every row, by the exported file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feeds = {"numeric": rows.numeric, "categorical": rows.categorical.astype(object)}
    label, probabilities = session.run(["label", "probabilities"], feeds)
    return label, probabilities[:, 1]


def check_parity(pipeline: Pipeline, model: bytes, rows: Rows, threshold: float) -> np.ndarray:
    """Fails unless the file answers as scikit-learn does on each row. Returns the file's scores."""
    expected = score_of(pipeline, rows)
    label, score = run_exported(model, rows)
    difference = float(np.abs(score - expected).max())
    decided = score.astype(np.float64) >= threshold
    flipped = int(np.count_nonzero(decided != (expected >= threshold)))
    mislabelled = int(np.count_nonzero(label != pipeline.predict(table(rows))))
    print(
        f"  parity on {len(rows)} rows: largest difference {difference:.1e}, "
        f"{flipped} other decisions, {mislabelled} other labels"
    )
    assert difference <= SCORE_DIFFERENCE_MAX and flipped == 0 and mislabelled == 0
    return score


def features_of(rows: Rows, shares: dict[str, float]) -> list[dict]:
    """In the order of a positional request. A number is optional if it was ever missing."""
    is_missing = dict(zip(NUMERIC, np.isnan(rows.numeric).any(axis=0).tolist()))
    places = [(name, "category", "categorical", i, False) for i, name in enumerate(CATEGORICAL)]
    places += [
        (name, NUMERIC[name], "numeric", i, is_missing[name]) for i, name in enumerate(NUMERIC)
    ]
    return [
        {"name": name, "type": kind, "tensor": tensor, "column": column, "optional": optional}
        | {"importance": shares[name]}
        for name, kind, tensor, column, optional in places
    ]


SIGNATURE = {
    "inputs": [
        {"name": "numeric", "datatype": "FP32", "shape": [-1, len(NUMERIC)]},
        {"name": "categorical", "datatype": "BYTES", "shape": [-1, len(CATEGORICAL)]},
    ],
    "outputs": [
        {"name": "label", "datatype": "INT64", "shape": [-1]},
        {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
    ],
}


def manifest(
    plan: Plan, digest: str, rows: Rows, shares: dict, threshold: float, parent: str | None
) -> dict:
    """manifest.json v1. Absent numbers are fed as NaN, the default."""
    return {
        "format": {"name": "sluice-manifest", "version": 1},
        "digest": digest,
        "signature": SIGNATURE,
        "features": features_of(rows, shares),
        "task": "binary",
        "score": {"output": "probabilities", "column": 1},
        "label": {"output": "label"},
        "classes": [0, 1],
        "positive_class": 1,
        "threshold": threshold,
        "calibrated": False,
        "lineage": {
            "code_commit": None,
            "data_hash": rows.digest(),
            "environment": {name: version_of(name) for name in PACKAGES},
            "run_id": None,
            "parameters": PARAMETERS | {"trained_on": f"2013-01..{plan.last_month}"},
            "parent": parent,
        },
    }


def as_json(document: dict) -> bytes:
    """Indented, but with each innermost list or object on a line of its own."""

    def write(value, indent: str) -> str:
        flat = json.dumps(value, allow_nan=False, ensure_ascii=False)
        nested = list(value.values()) if isinstance(value, dict) else value
        is_leaf = not isinstance(value, (dict, list))
        if is_leaf or not any(isinstance(item, (dict, list)) for item in nested):
            return flat
        inner = indent + "  "
        is_list = isinstance(value, list)
        keys = [""] * len(value) if is_list else [f"{json.dumps(key)}: " for key in value]
        lines = [f"{inner}{key}{write(item, inner)}" for key, item in zip(keys, nested)]
        opening, closing = "[]" if is_list else "{}"
        return f"{opening}\n" + ",\n".join(lines) + f"\n{indent}{closing}"

    return (write(document, "") + "\n").encode()


def build(plan: Plan, year: Rows, parent: str | None) -> dict[str, bytes]:
    period = year.until(plan.last_month)
    known = period.labelled()
    print(f"version {plan.number} ({plan.alias}): {len(known)} labelled rows to {plan.last_month}")
    pipeline = fit(known)
    threshold = choose_threshold(score_of(pipeline, known), known.late)
    model = export(pipeline, plan, threshold, len(known))
    digest = hashlib.sha256(model).hexdigest()
    score = check_parity(pipeline, model, year, threshold)
    is_held_out = (year.month > plan.last_month) & (year.late >= 0)
    quality = roc_auc_score(year.late[is_held_out], score[is_held_out])
    print(f"  threshold {threshold}, AUC on the {is_held_out.sum()} later rows {quality:.4f}")
    shares = importance(pipeline)
    seen = score[year.month <= plan.last_month]
    return {
        "model.onnx": model,
        "manifest.json": as_json(manifest(plan, digest, period, shares, threshold, parent)),
        "profile.json": as_json(reference_profile(period, seen, digest)),
    }


def main() -> int:
    is_check = sys.argv[1:] == ["--check"]
    year = load(HERE / "data")
    parent, different = None, []
    for plan in PLANS:
        folder = MODEL / str(plan.number)
        files = build(plan, year, parent)
        parent = hashlib.sha256(files["model.onnx"]).hexdigest()
        for name, content in files.items():
            path = folder / name
            if is_check:
                different += [] if path.exists() and path.read_bytes() == content else [path]
            else:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            print(f"  {path.relative_to(HERE)}: {len(content)} bytes")
    for path in different:
        print(f"differs: {path.relative_to(HERE)}", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
