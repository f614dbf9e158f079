"""The postmortem that writes itself: an incident's events as a document, as data and as Markdown."""

from tuirunbook.core.postmortem.build import build
from tuirunbook.core.postmortem.document import Postmortem
from tuirunbook.core.postmortem.markdown import to_markdown

__all__ = ["Postmortem", "build", "to_markdown"]
