"""The reference profile: what the training data looked like, small enough to lie beside the model.

Bins are (a, b], open at both ends: for edges e1 < ... < ek there are k + 1 counts, of (-inf, e1],
(e1, e2], ..., (ek, +inf). Edges are quantiles of float32 values; where many rows share a value,
quantiles coincide and are kept once. A value that at least 1 % of the values share is an atom: it
is counted in its bin and, exactly, in `atoms` as well. `mean` and `std` (of the population) are of
all values that are not missing.
"""

from collections import Counter

import numpy as np

from dataset import CATEGORICAL, NUMERIC, Rows

BINS = 200
ATOM_SHARE = 0.01


def plain(value: float) -> float:
    """The shortest decimal that reads back as the same float32."""
    return float(str(np.float32(value)))


def quantile_edges(values: np.ndarray) -> np.ndarray:
    """Distinct inner quantiles, ascending float32: at most BINS - 1 of them."""
    shares = np.arange(1, BINS) / BINS
    return np.unique(np.quantile(values.astype(np.float64), shares).astype(np.float32))


def bin_counts(values: np.ndarray, edges: np.ndarray) -> list[int]:
    bins = np.searchsorted(edges, values, side="left")
    return np.bincount(bins, minlength=len(edges) + 1).tolist()


def atoms(values: np.ndarray) -> list[dict]:
    distinct, counts = np.unique(values, return_counts=True)
    return [
        {"value": plain(value), "count": int(count)}
        for value, count in zip(distinct, counts)
        if count >= ATOM_SHARE * len(values)
    ]


def numeric_feature(name: str, column: np.ndarray) -> dict:
    present = column[~np.isnan(column)]
    edges = quantile_edges(present)
    exact = present.astype(np.float64)
    return {
        "name": name,
        "type": NUMERIC[name],
        "edges": [plain(edge) for edge in edges],
        "counts": bin_counts(present, edges),
        "atoms": atoms(present),
        "missing": int(len(column) - len(present)),
        "min": plain(present.min()),
        "max": plain(present.max()),
        "mean": round(float(exact.mean()), 9),
        "std": round(float(exact.std()), 9),
    }


def category_feature(name: str, column: np.ndarray) -> dict:
    """Most frequent first; equal counts in the order of the alphabet."""
    counted = sorted(Counter(column.tolist()).items(), key=lambda entry: (-entry[1], entry[0]))
    return {
        "name": name,
        "type": "category",
        "categories": [{"value": value, "count": count} for value, count in counted if value],
        "missing": int(np.count_nonzero(column == "")),
    }


def as_request(rows: Rows, index: int) -> dict:
    """One row as the `features` of a request: null for what is missing."""
    features: dict = dict(zip(CATEGORICAL, rows.categorical[index].tolist()))
    for name, value in zip(NUMERIC, rows.numeric[index]):
        number = plain(value)
        is_whole = NUMERIC[name] == "integer" or number.is_integer()
        features[name] = None if np.isnan(value) else int(number) if is_whole else number
    return features


def typical_row(rows: Rows, score: np.ndarray) -> int:
    """The real row nearest to the median score in which only what most rows lack is missing."""
    absent = np.isnan(rows.numeric)
    is_mostly_absent = absent.mean(axis=0) > 0.5
    is_whole = ~(absent & ~is_mostly_absent).any(axis=1)
    distance = np.abs(score.astype(np.float64) - np.median(score[is_whole]))
    return int(np.argmin(np.where(is_whole, distance, np.inf)))


def reference_profile(rows: Rows, score: np.ndarray, version_digest: str) -> dict:
    """profile.json v1. `score` is what the exported model answers for these rows."""
    texts, numbers = rows.categorical.T, rows.numeric.T
    features = [category_feature(name, column) for name, column in zip(CATEGORICAL, texts)]
    features += [numeric_feature(name, column) for name, column in zip(NUMERIC, numbers)]
    edges = quantile_edges(score)
    return {
        "format": {"name": "sluice-profile", "version": 1},
        "version_digest": version_digest,
        "data_hash": rows.digest(),
        "rows": len(rows),
        "example_row": as_request(rows, typical_row(rows, score)),
        "features": features,
        "score": {"edges": [plain(edge) for edge in edges], "counts": bin_counts(score, edges)},
    }
