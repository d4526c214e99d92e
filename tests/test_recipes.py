"""The commands and files of docs/recipes.md are valid."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from iouviewer.cli.program import make_parser
from tests.conftest import REPOSITORY

TEXT = (REPOSITORY / "docs" / "recipes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """All command lines of the page; folded lines of YAML are joined."""
    found = []
    for _language, block in BLOCKS:
        joined = re.sub(r"\n\s+(?=--)", " ", block)
        found += [match.strip() for match in re.findall(r"(?:^|\s)(iouviewer [a-z-]+ [^\n]*)", joined)]
    return found


def test_the_page_has_commands() -> None:
    named = {command.split()[1] for command in commands()}
    assert named == {"make-variants", "predict", "gate", "eval"}


@pytest.mark.parametrize("command", commands())
def test_every_command_of_the_page_is_understood(command: str) -> None:
    arguments = shlex.split(command)[1:]
    assert make_parser().parse_args(arguments).command == arguments[0]


def test_every_yaml_of_the_page_is_read() -> None:
    yaml = pytest.importorskip("yaml")
    read: list[Any] = [yaml.safe_load(block) for language, block in BLOCKS if language == "yaml"]
    assert len(read) == 3 and all(isinstance(one, dict) for one in read)


def test_the_snippet_for_trackers_gives_flat_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "metrics.json").write_text(json.dumps({"int8": {"ap": 0.4, "passes": 1}}))
    monkeypatch.chdir(tmp_path)
    [snippet] = [block for language, block in BLOCKS if language == "python"]
    names: dict[str, Any] = {}
    exec(snippet, names)
    assert names["flat"] == {"int8/ap": 0.4, "int8/passes": 1}


def test_the_options_of_the_table_exist() -> None:
    for command, option in re.findall(r"`(eval|gate|render) (--[a-z]+)", TEXT):
        parser = make_parser()
        with pytest.raises(SystemExit):
            parser.parse_args([command, "--help"])
        assert option in parser._subparsers._group_actions[0].choices[command].format_help()  # type: ignore[union-attr]
