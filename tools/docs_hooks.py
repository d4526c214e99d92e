"""Adds the generated pages to the site (``hooks`` in ``mkdocs.yml``)."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import docs_pages


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Called by MkDocs with the settings: lists every decision below their index."""
    records = [f"adr/{path.name}" for path in sorted((docs_pages.ROOT / "docs" / "adr").glob("[0-9]*.md"))]
    development = next(entry["Development"] for entry in config.nav or () if "Development" in entry)
    development[-1] = {"Decisions": ["adr/index.md", *records]}
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Called by MkDocs once it has found the written pages."""
    for path, content in docs_pages.pages().items():
        files.append(File.generated(config, path, content=content))
    return files
