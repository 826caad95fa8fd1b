"""The flight-delay rows as float32 and string matrices, in the order of the files."""

import csv
import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

CATEGORICAL = ["origin", "dest", "carrier", "weekday"]
NUMERIC = {
    "departure_minute": "integer",
    "distance": "integer",
    "plane_age": "integer",
    "seats": "integer",
    "temperature": "number",
    "humidity": "number",
    "wind_speed": "number",
    "wind_gust": "number",
    "precipitation": "number",
    "pressure": "number",
    "visibility": "number",
    "origin_delay": "number",
    "origin_overdue": "number",
}
QUARTERS = [f"flights-2013-q{quarter}.csv.gz" for quarter in (1, 2, 3, 4)]


@dataclass(frozen=True)
class Rows:
    """`numeric` float32 [N, 13] with NaN for an empty field, `categorical` str [N, 4], `late` 0, 1,
    or -1 for a label that never came."""

    month: np.ndarray
    numeric: np.ndarray
    categorical: np.ndarray
    late: np.ndarray

    def __len__(self) -> int:
        return len(self.month)

    def where(self, chosen: np.ndarray) -> "Rows":
        return Rows(
            self.month[chosen], self.numeric[chosen], self.categorical[chosen], self.late[chosen]
        )

    def until(self, month: str) -> "Rows":
        return self.where(self.month <= month)

    def labelled(self) -> "Rows":
        return self.where(self.late >= 0)

    def digest(self) -> str:
        """SHA-256 of what is learned from: little-endian float32, each text with a NUL, labels."""
        seen = hashlib.sha256()
        seen.update(np.ascontiguousarray(self.numeric, dtype="<f4").tobytes())
        seen.update("".join(f"{text}\0" for text in self.categorical.ravel()).encode())
        seen.update(self.late.astype("<i1").tobytes())
        return seen.hexdigest()


def load(folder: Path) -> Rows:
    """All rows of the year, rounded to float32 once, here: so a gateway will see them."""
    rows = []
    for name in QUARTERS:
        with gzip.open(folder / name, "rt", encoding="utf-8", newline="") as file:
            rows.extend(csv.DictReader(file))
    number = [[float(row[name]) if row[name] else np.nan for name in NUMERIC] for row in rows]
    return Rows(
        month=np.array([row["requested_at"][:7] for row in rows]),
        numeric=np.array(number, dtype=np.float32),
        categorical=np.array([[row[name] for name in CATEGORICAL] for row in rows]),
        late=np.array([int(row["late"]) if row["late"] else -1 for row in rows], dtype=np.int8),
    )
