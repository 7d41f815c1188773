"""Why a column got its verdict: the document's words about it, in the order in which a person asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from driftline.core.errors import FormatError, UnknownName
from driftline.core.verdicts import FORMAT
from driftline.report import numbers, text


def explanation(document: Any, name: str, *, where: str) -> str:
    """The text about one column of a comparison document. `where` names the document.

    Raises `FormatError` where it is no such document and `UnknownName` where it has no such column.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FormatError(f"This is no result of format {FORMAT}", where=where, hint="Make one with 'driftline compare ... --json FILE'.")
    try:
        columns = {column["name"]: column for column in document["columns"]}
        if name not in columns:
            raise UnknownName("column", name, columns, where=where)
        return "\n".join(text.visible(line) for line in _lines(columns[name]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError("The result has parts that do not fit together", where=where, hint="Make it again.") from error


def _lines(column: Mapping[str, Any]) -> list[str]:
    lines = [f"{column['name']} ({column['role']}, {column['kind']}): {column['verdict']}, severity {column['severity']}"]
    lines += [f"  {column['note']}"] if column["note"] else []
    if column["value"] is not None:
        limit = f", limit {column['limit']:.4g}" if column["limit"] is not None else ""
        lines.append(
            f"  decided by {column['measure']} {column['value']:.4g}{limit}, "
            f"over {numbers.plural(column['n'], 'row')} ({column['reference_n']:,} in the reference)"
        )
    for title, key in (
        ("why this measure", "why_measure"),
        ("why this limit", "derivation"),
        (f"looks like {column['cause']}", "evidence"),
    ):
        if column[key]:
            lines.append(f"  {title}: {column[key]}")
    if column["smallest_visible"] is not None:
        lines.append(
            f"  these rows show a drift from a PSI of {column['smallest_visible']:.2g} on (80 % of the time); "
            f"it counts from {column['floor']:g} on"
        )
    lines += [_finding(finding) for finding in column["findings"] if finding["crossed"]]
    lines += [_measure(measure) for measure in column["measures"]]
    return lines


def _finding(finding: Mapping[str, Any]) -> str:
    chance = (
        f" (p {numbers.probability(finding['p'])}, allowed {numbers.probability(finding['alpha'])})" if finding["p"] is not None else ""
    )
    return f"  found {finding['kind']}: {finding['text']}{chance}"


def _measure(measure: Mapping[str, Any]) -> str:
    return f"  {measure['name']:<16} {measure['value']:>9.4f}   by chance {measure['chance']:.4f}   limit {measure['limit']:.4f}"
