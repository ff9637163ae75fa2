"""What the panels of a notebook share: plain words, and controls heard only when people use them."""

from __future__ import annotations

import html
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets

from glasscell.jupyter.home import at_home, is_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WIDE = "100%"
#: Width of a control that fills its line: ipywidgets gives controls a margin of two pixels.
FILL = "calc(100% - 4px)"
#: Width of the titles of controls, so that they stand in a column.
TITLE = "8.2em"
_KINDS = {
    "plain": "",
    "muted": "opacity:.7;",
    "head": "font-weight:600;",
    "warning": "color:var(--jp-warn-color0,#b35900);",
    "error": "color:var(--jp-error-color1,#c62828);",
}


class Words(ipywidgets.HTML):
    """A sentence, shown as it is written: names from files never become markup.

    Parameters
    ----------
    text
        What it says; nothing hides it.
    kind
        ``plain``, ``muted``, ``head``, ``warning`` or ``error``.
    """

    def __init__(self, text: str = "", kind: str = "plain") -> None:
        super().__init__()
        self.layout.margin = "0 2px"
        self.text = ""
        self.say(text, kind)

    def say(self, text: str, kind: str = "plain") -> None:
        """Show another sentence."""
        self.text, self.kind = text, kind
        style = f"line-height:1.35;white-space:pre-line;{_KINDS[kind]}"
        self.value = f'<div style="{style}">{html.escape(text)}</div>' if text else ""
        self.layout.display = None if text else "none"


class Choice(ipywidgets.Dropdown):
    """A choice among keys that are shown in words; what is chosen stays while it is offered."""

    options: Any
    value: Any

    def __init__(self, title: str = "", tip: str = "") -> None:
        super().__init__(options=[], description=title, tooltip=tip)
        self.layout.width = FILL
        self.style.description_width = TITLE if title else "0"

    def offer(self, choices: Sequence[tuple[str, str]], chosen: str | None = None) -> None:
        """Offer (key, words); choose one of them, else what was chosen, else the first."""
        kept = self.value
        options: list[tuple[str, str]] = [(words, key) for key, words in choices]
        if options != list(self.options):
            self.options = options
        keys = [key for key, _ in choices]
        wanted = chosen if chosen in keys else kept if kept in keys else keys[0] if keys else None
        if self.value != wanted:
            self.value = wanted

    @property
    def key(self) -> str:
        """What is chosen; empty for nothing."""
        return str(self.value) if self.value is not None else ""


#: What to do where nothing is open, in a notebook.
OPEN_BY_PATH = "Open data: give a path in the Data panel, or call glasscell.explore(...)."


class Panel:
    """A mixin of views: a column of widgets, and hearing people but not ourselves.

    Everything a ``set_*`` method does to a control goes inside ``with self.telling()``, so that no intent is
    uttered by it.
    """

    _told = 0
    widget: Any

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Change controls without being heard."""
        self._told += 1
        try:
            yield
        finally:
            self._told -= 1

    def hear(self, control: ipywidgets.Widget, then: Callable[[Any], object], name: str = "value") -> None:
        """Call with the new value of a control whenever a person changes it."""

        def on_change(change: dict[str, Any]) -> None:
            if not is_home():  # only people speak from elsewhere
                at_home(then, change["new"])
            elif not self._told:
                then(change["new"])

        control.observe(on_change, name)

    def hear_enter(self, line: ipywidgets.Text, then: Callable[[], object]) -> None:
        """Call whenever Enter is pressed in a line of text."""

        def on_message(widget: Any, content: Any, buffers: Any) -> None:
            if isinstance(content, dict) and content.get("event") == "submit":
                at_home(then)

        line.on_msg(on_message)

    def hear_press(self, button: ipywidgets.Button, then: Callable[[], object]) -> None:
        """Call whenever a button is pressed."""
        button.on_click(lambda _: at_home(then))


def button(words: str, tip: str = "", *, main: bool = False) -> ipywidgets.Button:
    """Make a button as wide as its words; the main one of a panel stands out."""
    made = ipywidgets.Button(description=words, tooltip=tip or words, button_style="primary" if main else "")
    made.layout.width = "auto"
    return made


def line(words: str, tip: str = "") -> ipywidgets.Text:
    """Make a line to type in, as wide as there is room beside its button."""
    room = ipywidgets.Layout(flex="1 1 auto", width="auto", min_width="6em")
    return ipywidgets.Text(placeholder=words, tooltip=tip or words, layout=room)


def column(*parts: ipywidgets.Widget, **layout: str) -> ipywidgets.VBox:
    """Put widgets below each other."""
    return ipywidgets.VBox(list(parts), layout=ipywidgets.Layout(**{"width": WIDE, **layout}))


def row(*parts: ipywidgets.Widget, **layout: str) -> ipywidgets.HBox:
    """Put widgets beside each other; they wrap where there is no room."""
    shape = {"width": WIDE, "flex_flow": "row wrap", "align_items": "center", **layout}
    return ipywidgets.HBox(list(parts), layout=ipywidgets.Layout(**shape))


def fold(title: str, inside: ipywidgets.Widget, *, is_open: bool = False) -> ipywidgets.Accordion:
    """Put a widget behind a title that opens it."""
    made = ipywidgets.Accordion([inside], selected_index=0 if is_open else None)
    made.set_title(0, title)
    return made


def show(widget: ipywidgets.Widget, shown: bool) -> None:
    """Show a widget or hide it without leaving a gap."""
    widget.layout.display = None if shown else "none"


def close(widget: ipywidgets.Widget) -> None:
    """Close a widget with all that it holds, so that the kernel forgets it."""
    own = [getattr(widget, name, None) for name in ("layout", "style")]
    for part in (*getattr(widget, "children", ()), widget, *own):
        if part is widget:
            widget.close()
        elif part is not None:
            close(part)
