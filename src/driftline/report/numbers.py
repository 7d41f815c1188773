"""How numbers are written for people: three significant digits, percent for rates, thousands separators in counts.

What is not known is written as a dash, never as 0 and never as "None".
"""

from __future__ import annotations

import math

UNKNOWN = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

_ABBREVIATIONS = frozenset({"auc", "ece", "f1", "js", "kl", "ks", "mae", "mape", "mse", "psi", "r2", "rmse", "roc"})
_RATE_WORDS = frozenset({"coverage", "fraction", "rate", "rates", "share", "shares"})
_RATES = frozenset({"duplicate_ids", "infinite", "missing", "nulls", "out_of_range", "unseen"})


def count(value: int) -> str:
    """A number of rows or columns: `41,208`."""
    return f"{value:,}"


def plural(value: int, one: str, many: str = "") -> str:
    """A count with its noun: `1 column`, `2 columns`."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def number(value: float | None) -> str:
    """Three significant digits: `0.183`, `12,300`, `4.2e-06`; a whole number of up to six digits in full."""
    if value is None:
        return UNKNOWN
    if not math.isfinite(value):
        return ("" if value > 0 else MINUS) + "∞"
    size = abs(value)
    sign = MINUS if value < 0 else ""
    if size == int(size) and size < 1e6:
        return f"{sign}{int(size):,}"
    if size < 1e-4 or size >= 1e9:
        return sign + f"{size:.2e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    rounded = float(f"{size:.3g}")
    return sign + (f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:#.3g}")


def percent(share: float | None) -> str:
    """A share as percent: `31.2 %`, `0.40 %`. Neither 0 % nor 100 % is ever the result of rounding."""
    if share is None:
        return UNKNOWN
    if share in (0.0, 1.0):
        return f"{share * 100:.0f} %"
    if 0 < share < 0.00005:
        return "<0.01 %"
    if 0.9995 < share < 1:
        return ">99.9 %"
    return f"{share * 100:.{1 if abs(share) >= 0.09995 else 2}f} %".replace("-", MINUS)


def points(change: float) -> str:
    """A difference of two shares in percentage points, with its sign: `+8.9 pp`."""
    size = abs(change) * 100
    if size < 5e-7:
        return "0 pp"
    return f"{'+' if change >= 0 else MINUS}{size:.{1 if size >= 0.95 else 2}f} pp"


def is_rate(measure: str) -> bool:
    """Whether values of this measure are shares of rows, to be written as percent."""
    words = measure.lower().split("_")
    return measure.lower() in _RATES or not _RATE_WORDS.isdisjoint(words)


def amount(measure: str, value: float | None) -> str:
    """A value in the unit of its measure."""
    return percent(value) if is_rate(measure) else number(value)


def probability(p: float | None) -> str:
    """A p-value or its bound: `0.0031`, `2e-09`; below 1e-16 only the bound is known."""
    if p is None:
        return UNKNOWN
    if p < 1e-16:
        return "<1e-16"
    return f"{p:.2g}"


def measure_name(measure: str) -> str:
    """A metric or measure as people write it: `psi` is `PSI`, `null_rate` is `null rate`."""
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in measure.replace("_", " ").split(" "))


def size_of(size: int) -> str:
    """Bytes as `12.3 MB`, in powers of ten."""
    amount_left = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount_left < 999.5:
            return f"{amount_left:.0f} {unit}" if unit == "B" else f"{amount_left:#.3g} {unit}".replace(". ", " ")
        amount_left /= 1000
    return f"{amount_left:,.0f} TB"
