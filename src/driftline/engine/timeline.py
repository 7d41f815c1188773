"""The windows of one model as an evaluation sees them: parts decoded when they are asked for, and kept while they are near."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add

from driftline.core.ledger import PartKind
from driftline.core.records import Window
from driftline.engine.model import Model
from driftline.profiles.parts import Part, decode_part, decode_traffic
from driftline.profiles.traffic import Traffic

AHEAD = 16
"""Windows that are read from the store at a time."""
KEPT = 200
"""Windows that stay decoded."""

Parts = Mapping[tuple[str, str], Part]
"""The parts of one window by schema and version, those of the same added."""


class Timeline:
    """The windows of a model, in order of time. `windows` are all that may be asked for."""

    def __init__(self, model: Model, windows: list[Window]) -> None:
        self.model = model
        self.windows = windows
        self._position = {window: i for i, window in enumerate(windows)}
        self._decoded: OrderedDict[Window, Parts] = OrderedDict()
        self._traffic: dict[Window, dict[str, Traffic]] = {}

    def parts(self, window: Window) -> Parts:
        """The parts of a window; nothing where it has none."""
        if window not in self._decoded:
            self._read(window)
        self._decoded.move_to_end(window)
        return self._decoded[window]

    def traffic(self, window: Window) -> Mapping[str, Traffic]:
        """How each version was served in a window; nothing where nobody asked."""
        if window not in self._traffic:
            at = self._position[window]
            self._read_traffic([one for one in self.windows[at : at + AHEAD] if one not in self._traffic])
        return self._traffic[window]

    def served(self, windows: Sequence[Window]) -> Traffic:
        """How all versions were served in some windows together. What has not been read is read at once."""
        if missing := [one for one in windows if one not in self._traffic]:
            self._read_traffic(missing)
        return Traffic.total([traffic for one in windows for traffic in self._traffic[one].values()])

    def of_schema(self, window: Window, schema: str) -> Part | None:
        """All versions of a window together, under one schema."""
        parts = [part for (own, _), part in self.parts(window).items() if own == schema]
        return reduce(add, parts) if parts else None

    def back(self, window: Window, count: int) -> list[Window]:
        """A window and those right before it, `count` in all where there are so many, oldest first; none from before a long silence."""
        at, first = self._position[window], window.start - count * self.model.tiling.length
        return [one for one in self.windows[max(0, at - count + 1) : at + 1] if one.start >= first]

    def from_(self, window: Window, count: int) -> list[Window]:
        """A window and those right after it."""
        at = self._position[window]
        return self.windows[at : at + count]

    def joined(self, window: Window, count: int, schema: str) -> tuple[Window, Part | None]:
        """So many windows up to this one as one."""
        stretch = self.back(window, count)
        parts = [part for one in stretch if (part := self.of_schema(one, schema)) is not None]
        return Window(stretch[0].start, window.end), reduce(add, parts) if parts else None

    def _read_traffic(self, windows: Sequence[Window]) -> None:
        """Windows in order of time."""
        found: dict[Window, dict[str, Traffic]] = {one: {} for one in windows}
        for part in self.model.store.parts(self.model.name, PartKind.TRAFFIC, start=windows[0].start, end=windows[-1].end):
            if (own := found.get(part.window)) is not None:
                traffic = decode_traffic(part.data, name=f"traffic {part.name} of {part.window}")
                own[part.version] = own[part.version] + traffic if part.version in own else traffic
        self._traffic.update(found)

    def _read(self, window: Window) -> None:
        at = self._position[window]
        stretch = [one for one in self.windows[at : at + AHEAD] if one not in self._decoded]
        found: dict[Window, dict[tuple[str, str], Part]] = {one: {} for one in stretch}
        stored = self.model.store.parts(self.model.name, PartKind.ROWS, start=stretch[0].start, end=stretch[-1].end)
        for part in stored:
            known = self.model.by_schema.get(part.schema)
            if known is None or part.window not in found:
                continue
            decoded = decode_part(part.data, known.reference.schema, name=f"part {part.name} of {part.window}")
            own, key = found[part.window], (part.schema, part.version)
            own[key] = own[key] + decoded if key in own else decoded
        self._decoded.update(found)
        while len(self._decoded) > KEPT:
            self._decoded.popitem(last=False)
