"""Result: what one test says about one column."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """`value` is what is told, `p` its probability without a change, `enough` whether the effect is beyond its floor.

    A rate has its reference rate, its counts (x of n rows now, r of m before) and the rates between which a change is too small to count;
    `tried` is how many rates it is the most striking of, which p allows for, and `both` whether fewer would count too. `cell` is which
    bin or level, where the test looks at one.
    """

    kind: str
    value: float
    p: float
    enough: bool
    reference: float | None = None
    cell: int = -1
    counts: tuple[int, int, int, int] | None = None
    bounds: tuple[float, float] | None = None
    tried: int = 1
    both: bool = True
