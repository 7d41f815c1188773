"""What the history of a reference taught, as bytes beside the reference: its unrest, the baselines of the monitor, an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from numpy.typing import NDArray

from driftline.drift.monitor import Baseline
from driftline.drift.overtime import Ordinary
from driftline.drift.unrest import Unrest
from driftline.performance.estimation import Estimator
from driftline.performance.restless import Slacks
from driftline.profiles.codec import fitting, pack, unpack


@dataclass(frozen=True, eq=False)
class Learned:
    """`unrest` by position of the column, `ordinary` kinds of findings by its name, `baselines` by step, `slacks` of quality metrics;
    `estimator` of quality without labels, or in `refusal` why there is none; `windows` of the reference that all this rests on."""

    unrest: Mapping[int, Unrest] = field(default_factory=dict)
    ordinary: Ordinary = field(default_factory=dict)
    baselines: Mapping[str, Baseline] = field(default_factory=dict)
    slacks: Slacks = field(default_factory=dict)
    estimator: Estimator | None = None
    windows: int = 0
    refusal: str = ""


def encode_learned(learned: Learned) -> bytes:
    """The bytes of it."""
    arrays: dict[str, NDArray[Any]] = {}
    header: dict[str, Any] = {"learned": 1, "windows": learned.windows, "refusal": learned.refusal}
    header["unrest"] = {str(i): asdict(unrest) for i, unrest in learned.unrest.items()}
    header["ordinary"] = {column: list(kinds) for column, kinds in learned.ordinary.items()}
    header["slacks"] = {metric: {str(width): slack for width, slack in own.items()} for metric, own in learned.slacks.items()}
    header["baselines"] = {}
    for step, baseline in learned.baselines.items():
        header["baselines"][step], own = baseline.to_arrays()
        arrays |= {f"{step}.{name}": array for name, array in own.items()}
    if learned.estimator is not None:
        header["estimator"], own = learned.estimator.to_arrays()
        arrays |= {f"estimator.{name}": array for name, array in own.items()}
    return pack(header, arrays)


def decode_learned(data: bytes, *, name: str) -> Learned:
    """It from its bytes; nothing learned from no bytes. Raises `FormatError`."""
    if not data:
        return Learned()
    header, arrays = unpack(data, name=name)
    with fitting(name):
        estimator = header.get("estimator")
        return Learned(
            {int(i): Unrest(**unrest) for i, unrest in header["unrest"].items()},
            {str(column): tuple(kinds) for column, kinds in header["ordinary"].items()},
            {step: Baseline.from_arrays(facts, _own(arrays, step)) for step, facts in header["baselines"].items()},
            {metric: {int(width): float(slack) for width, slack in own.items()} for metric, own in header["slacks"].items()},
            None if estimator is None else Estimator.from_arrays(estimator, _own(arrays, "estimator")),
            int(header["windows"]),
            str(header["refusal"]),
        )


def _own(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {key.removeprefix(f"{prefix}."): array for key, array in arrays.items() if key.startswith(f"{prefix}.")}
