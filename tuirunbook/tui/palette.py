"""The command palette, from the registry of commands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tuirunbook.core.text import one_line
from tuirunbook.tui.commands import BY_SCREEN, EVERYWHERE, Command, shown_keys


class RegistryCommands(Provider):
    """Everything that the current screen and the application can do, as `area: verb`.

    What cannot be done now stays in the list, says why, and says it again when it is picked. A screen tells with a
    method `why_not(command_id) -> str | None`.
    """

    @property
    def commands(self) -> tuple[Command, ...]:
        """What can be asked for here."""
        return (*BY_SCREEN.get(type(self.screen).__name__, ()), *EVERYWHERE)

    async def discover(self) -> Hits:
        """All of it."""
        for command in self.commands:
            name, told = self._words(command)
            yield DiscoveryHit(Content(name), partial(self._run, command), text=name, help=told)

    async def search(self, query: str) -> Hits:
        """What matches by name or by what it does."""
        matcher = self.matcher(query)
        for command in self.commands:
            name, told = self._words(command)
            score = max(matcher.match(name), matcher.match(command.tooltip) / 2)
            if score > 0:
                yield Hit(score, matcher.highlight(name), partial(self._run, command), text=name, help=told)

    def _words(self, command: Command) -> tuple[str, str]:
        why = self._why_not(command)
        if why:
            return f"{command.palette_name} (not now)", _quoted(f"Not now: {one_line(why)}")
        told = f"{shown_keys(command)}: {command.tooltip}" if command.keys else command.tooltip
        return command.palette_name, _quoted(told)

    def _why_not(self, command: Command) -> str | None:
        ask: Callable[[str], str | None] | None = getattr(self.screen, "why_not", None)
        return ask(command.id) if ask is not None else None

    async def _run(self, command: Command) -> None:
        why = self._why_not(command)
        if why:
            self.app.notify(one_line(why, 400), title=command.palette_name, severity="warning", markup=False)
        else:
            await self.app.run_action(command.action, self.screen)


def _quoted(text: str) -> str:
    """`text` for the palette, which reads help as markup: every bracket is one."""
    return text.replace("[", "\\[")
