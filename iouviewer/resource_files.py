"""Access to the files in ``resources/``: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

from iouviewer.errors import UserError
from iouviewer.i18n import tr

_PACKAGE = Path(__file__).resolve().parent


def resource_path(name: str) -> Path:
    """Path of the resource ``name``, for example ``sample/clip.mp4``; UserError if it is not installed."""
    for root in (_PACKAGE / "resources", _PACKAGE.parent / "resources"):
        path = root / name
        if path.exists():
            return path
    raise UserError(tr("the resource {name} is missing", name=name), remedy=tr("Reinstall iouviewer."))


def changelog_path() -> Path:
    """Path of the release notes: in the root of a checkout, among the resources of a wheel."""
    checkout = _PACKAGE.parent / "CHANGELOG.md"
    return checkout if checkout.exists() else resource_path("CHANGELOG.md")


def docs_folder() -> Path:
    """Folder of the documentation's pages: in the root of a checkout, among the resources of a wheel."""
    checkout = _PACKAGE.parent / "docs"
    return checkout if (checkout / "glossary.md").exists() else resource_path("docs")
