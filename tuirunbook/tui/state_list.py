"""The list of states as a value of its own: what is known, what the filter leaves, where the cursor is."""

from __future__ import annotations

from collections import Counter

from tuirunbook.core.backend import RootModule
from tuirunbook.core.text import one_line
from tuirunbook.survey.states import StateRow
from tuirunbook.tui.state_lines import StateLine, line_of, place_of

EMPTY = "No state was found in this repository."
_Key = tuple[str | None, ...]


class StateList:
    """Rows in their order, held ones first. The cursor stays on its state while rows move around it."""

    def __init__(self) -> None:
        self._lines: dict[_Key, StateLine] = {}
        self._names: Counter[str] = Counter()
        self._fresh: set[_Key] = set()
        self._named: RootModule | None = None
        self._chosen: _Key | None = None
        self.shown: list[StateLine] = []

    def __len__(self) -> int:
        return len(self._lines)

    def begin(self) -> None:
        """Every state is looked for anew; what is known stays until it is found again, or is gone."""
        self._fresh.clear()

    def take(self, row: StateRow) -> None:
        """What is known of a state now."""
        line = line_of(row)
        key = line.key
        if key not in self._lines:
            self._names[line.name] += 1
        self._lines[key] = line
        self._fresh.add(key)

    def end(self) -> None:
        """All were found: a state that was not found again is no state of this repository any more."""
        for key in self._lines.keys() - self._fresh:
            self._names[self._lines.pop(key).name] -= 1

    def name(self, root: RootModule) -> None:
        """Put the cursor on this state as soon as it is there."""
        self._named = root

    def choose(self, index: int) -> None:
        """The operator moved the cursor there."""
        self._chosen, self._named = self.shown[index].key, None

    def arrange(self, needle: str) -> int:
        """Sort what the filter leaves; the cursor's row."""
        wanted = needle.casefold().strip()
        self.shown = sorted(
            (line for line in self._lines.values() if wanted in line.searched), key=lambda line: line.order
        )
        if self._named is not None:
            self._chosen = next((line.key for line in self.shown if _is(line.row.root, self._named)), self._chosen)
        return self.cursor

    @property
    def cursor(self) -> int:
        """The row of the chosen state, or the first."""
        return next((index for index, line in enumerate(self.shown) if line.key == self._chosen), 0)

    def repeats(self, line: StateLine) -> bool:
        """Whether another state has the same name."""
        return self._names[line.name] > 1

    def headline(self, *, reading: bool, needle: str) -> str:
        """How many states there are: how many held, not known, not read yet, and shown."""
        total, marks = len(self._lines), Counter(line.word[0] for line in self._lines.values())
        parts = [f"{total:,} {'state' if total == 1 else 'states'}", f"{marks['■']:,} held"]
        if unknown := marks["?"] + marks["!"]:
            parts.append(f"{unknown:,} not known")
        if unread := marks["…"]:
            parts.append(f"{unread:,} still reading")
        elif reading:
            parts.append("reading…")
        if needle:
            parts.append(f"{len(self.shown):,} with {one_line(needle, 30)}")
        return "   ".join(parts)

    def nothing(self, *, reading: bool, trouble: str) -> str:
        """Why no row is shown."""
        if self._lines:
            return "No state matches; escape clears the filter."
        return "reading…" if reading else trouble or EMPTY


def _is(root: RootModule, named: RootModule) -> bool:
    return (root.directory, root.workspace, place_of(root)) == (named.directory, named.workspace, place_of(named))
