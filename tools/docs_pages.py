"""Pages of the documentation that are made from the program: command line, Python, commands, JSON report, decisions.

They are made whenever the site is built (``tools/docs_hooks.py``) or a test asks, so they never lag behind.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_NO_METAVAR = (argparse._StoreTrueAction, argparse._StoreFalseAction)  # there is no public name for their kind


def pages() -> dict[str, str]:
    """All generated pages: path in ``docs/`` -> Markdown (or SVG)."""
    made: dict[str, Callable[[], str]] = {
        "reference/command-line.md": command_line,
        "reference/python.md": python_interface,
        "reference/commands.md": commands,
        "reference/report-schema.md": report_schema,
        "adr/index.md": decisions,
        "contributing.md": lambda: _from_root("CONTRIBUTING.md"),
        "security.md": lambda: _from_root("SECURITY.md"),
        "changelog.md": lambda: _from_root("CHANGELOG.md"),
        "pictures/layers.svg": layers_picture,
    }
    return {path: make() for path, make in made.items()}


def _from_root(name: str) -> str:
    """A document of the repository's root as a page: its links become those of the site."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/adr)", "](adr/index.md)")
    return text.replace("](docs/", "](").replace("](SECURITY.md)", "](security.md)")


# Command line


def command_line() -> str:
    """Every command with its options, from argparse."""
    from iouviewer.cli.program import make_parser

    lines = [
        "# Command line",
        "",
        "Generated from the program. Exit status: 0 done, 2 bad usage or input (one line on stderr); a command that "
        "has others says so.",
        "",
    ]
    for name, parser in _subparsers(make_parser()):
        lines += _command(f"iouviewer {name}", parser, level=2)
    return "\n".join(lines)


def _subparsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:  # argparse has no public way to its actions
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _command(name: str, parser: argparse.ArgumentParser, *, level: int) -> list[str]:
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    lines = [f"{'#' * level} {name}", "", _cell(parser.description or ""), "", "```", *_wrapped(usage), "```", ""]
    shown = [one for one in parser._actions if one.help != argparse.SUPPRESS and one.dest != "help"]
    positional = [one for one in shown if not one.option_strings and not isinstance(one, argparse._SubParsersAction)]
    options = [one for one in shown if one.option_strings]
    for title, rows in (("Argument", positional), ("Option", options)):
        if rows:
            lines += [f"| {title} | Meaning |", "| --- | --- |"]
            lines += [f"| {_signature(one)} | {_cell(_help_of(one, parser))} |" for one in rows]
            lines.append("")
    for child, below in _subparsers(parser):
        lines += _command(f"{name} {child}", below, level=level + 1)
    return lines


def _wrapped(usage: str, width: int = 100) -> Iterator[str]:
    line = ""
    for word in re.findall(r"\[[^\]]*\](?:\S*)|\S+", usage):
        if line and len(line) + len(word) + 1 > width:
            yield line
            line = "   "
        line = f"{line} {word}" if line.strip() else line + word
    yield line


def _signature(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if not action.option_strings:
        return f"`{value}`".replace("|", "\\|")
    if isinstance(action, _NO_METAVAR) or action.nargs == 0:
        return ", ".join(f"`{one}`" for one in action.option_strings)
    if action.choices is not None and action.metavar is None:
        value = "|".join(map(str, action.choices))
    return ", ".join(f"`{one} {value}`".replace("|", "\\|") for one in action.option_strings)


def _help_of(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    text = action.help or ""
    values = {**vars(action), "prog": parser.prog}
    return text % values if "%(" in text else text.replace("%%", "%")


def _cell(text: str) -> str:
    """Text for a table: no line breaks, no pipes, no HTML, no emphasis by accident."""
    plain = " ".join(text.split())
    return re.sub(r"([|<>*_\\])", r"\\\1", plain)


# Python


def python_interface() -> str:
    """The public names of ``iouviewer.api``; mkdocstrings fills in their signatures and docstrings."""
    names = public_names()
    listed = "\n".join(f"        - {name}" for name in names)
    return (
        "# Python interface\n\nWhat each function takes and returns. [Python](../api.md) has the overview and a "
        "notebook on the bundled sample.\n\n::: iouviewer.api\n    options:\n      show_root_heading: false\n"
        f"      show_root_toc_entry: false\n      members:\n{listed}\n"
    )


def public_names() -> list[str]:
    """The names that ``iouviewer.api`` exports, in its order."""
    from iouviewer import api

    return [name for name in api.__all__ if not inspect.ismodule(getattr(api, name))]


# Window


def commands() -> str:
    """Every command of the window with its menu, keys, condition and id."""
    from iouviewer.ui.action_hints import HINTS
    from iouviewer.ui.action_table import ACTIONS, MENUS, REASONS, Need

    lines = [
        "# Commands of the window",
        "",
        "Every command, by menu. Most need an open video; what else a command needs is said. Ctrl+K finds each by its "
        "name, and Settings > Keys changes its key. The id is the one in exported key presets.",
        "",
    ]
    for menu in [*MENUS, ""]:
        rows = [one for one in ACTIONS if one.menu == menu]
        if not rows:
            continue
        path = [MENUS[part] for part in _menu_path(menu)] or ["Keys only"]
        lines += [f"## {' > '.join(path)}", "", "| Command | Key | What it does | Id |", "| --- | --- | --- | --- |"]
        for one in rows:
            said = [HINTS.get(one.id, ""), ", ".join(REASONS[need] for need in one.needs if need is not Need.VIDEO)]
            hint = "; ".join(_cell(text) for text in said if text)
            keys = ", ".join(f"`{key}`".replace("|", "\\|") for key in one.keys)
            lines.append(f"| {_cell(one.text)} | {keys} | {hint} | `{one.id}` |")
        lines.append("")
    return "\n".join(lines)


def _menu_path(menu: str) -> list[str]:
    parts = menu.split("/") if menu else []
    return ["/".join(parts[: place + 1]) for place in range(len(parts))]


# Report


def report_schema() -> str:
    """The fields of the JSON report, from its schema."""
    schema = json.loads((ROOT / "resources" / "report.schema.json").read_text(encoding="utf-8"))
    lines = [
        "# JSON report",
        "",
        "What `eval --json` writes, and `api.report` for a file that ends in `.json`. The schema itself is "
        "`api.report_schema()`; a test validates every report against it.",
        "",
        "| Field | Type | Meaning |",
        "| --- | --- | --- |",
    ]
    seen: set[str] = set()
    lines += [f"| `{path}` | {kind} | {_cell(text)} |" for path, kind, text in _fields(schema, schema, "", seen)]
    return "\n".join(lines) + "\n"


def _fields(node: dict[str, Any], root: dict[str, Any], path: str, seen: set[str]) -> Iterator[tuple[str, str, str]]:
    node, name = _resolved(node, root)
    if name in seen:
        return
    below = seen | {name} if name else seen
    for key, value in node.get("properties", {}).items():
        yield from _field(value, root, f"{path}.{key}" if path else key, below)
    for choice in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        yield from _fields(choice, root, path, below)
    if isinstance(node.get("items"), dict):
        yield from _fields(node["items"], root, f"{path}[]", below)
    extra = node.get("additionalProperties")
    if isinstance(extra, dict):
        yield from _field(extra, root, f"{path}.NAME" if path else "NAME", below)


def _field(node: dict[str, Any], root: dict[str, Any], path: str, seen: set[str]) -> Iterator[tuple[str, str, str]]:
    own, _ = _resolved(node, root)
    yield path, _type_of(own, root), node.get("description", own.get("description", ""))
    yield from _fields(node, root, path, seen)


def _resolved(node: dict[str, Any], root: dict[str, Any]) -> tuple[dict[str, Any], str]:
    reference = node.get("$ref", "")
    found = root
    for part in reference.removeprefix("#/").split("/") if reference else ():
        found = found[part]
    return (found if reference else node), reference


def _type_of(node: dict[str, Any], root: dict[str, Any]) -> str:
    kinds = node.get("type")
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    if kinds is None and "enum" in node:
        return " or ".join(f"`{json.dumps(one)}`" for one in node["enum"])
    if kinds is None:
        choices = [_type_of(_resolved(one, root)[0], root) for one in node.get("anyOf", node.get("oneOf", ()))]
        return " or ".join(dict.fromkeys(choices)) or "any"
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


# Decisions


def decisions() -> str:
    """All architecture decision records by number."""
    lines = [
        "# Decisions",
        "",
        "Each record says what was decided, why, what was rejected, and what follows from it. A decision that another "
        "one replaces says so.",
        "",
    ]
    for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md")):
        number, title = decision_title(path)
        lines.append(f"{number}. [{title}]({path.name})")
    return "\n".join(lines) + "\n"


def decision_title(path: Path) -> tuple[int, str]:
    """Number and title of a record, from its first line ``# 12. Title``."""
    found = re.match(r"# (\d+)\. (.+)", path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{path.name}: the first line is not '# NUMBER. Title'")
    return int(found[1]), found[2]


# Layers


def layer_contract() -> list[list[str]]:
    """The layers from top to bottom, each with its neighbours, as the import contract has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers")
    return [[name.strip().removeprefix("iouviewer.") for name in row.split("|")] for row in layers]


def layers_picture() -> str:
    """The layers as SVG, drawn from the import contract."""
    rows = layer_contract()
    width, height, gap = 860, 40, 10
    total = len(rows) * (height + gap) + gap
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {total}" role="img" '
        'font-family="Inter, sans-serif" font-size="14">',
        "<title>Layers of iouviewer: each imports only those below it</title>",
    ]
    for place, names in enumerate(rows):
        y = gap + place * (height + gap)
        cell = (width - gap * (len(names) + 1)) / len(names)
        for column, name in enumerate(names):
            x = gap + column * (cell + gap)
            parts.append(
                f'<rect x="{x:.1f}" y="{y}" width="{cell:.1f}" height="{height}" rx="6" fill="#4C8BF5" '
                f'fill-opacity="{0.10 + 0.03 * place:.2f}" stroke="#4C8BF5"/>'
            )
            parts.append(
                f'<text x="{x + cell / 2:.1f}" y="{y + height / 2 + 5}" text-anchor="middle" fill="#808890">'
                f"{name}</text>"
            )
    return "\n".join([*parts, "</svg>", ""])
