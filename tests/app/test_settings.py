"""Settings are restored and written atomically; a damaged file is kept and reported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iouviewer import folders
from iouviewer.app.settings import RECENT_LIMIT, Settings, SettingsStore
from iouviewer.errors import UserError
from iouviewer.metrics.table import Convention


def test_without_a_file_the_defaults_are_used_and_nothing_is_written():
    errors: list[UserError] = []
    store = SettingsStore(on_error=errors.append)
    assert store.settings == Settings() and errors == []
    assert store.path == folders.config_folder() / "settings.json"
    assert not store.path.exists()


def test_all_settings_are_restored():
    store = SettingsStore()
    given = store.settings
    given.confidence, given.convention, given.scheme = 0.4, Convention.INCLUSIVE, "dark"
    given.keys["next frame"] = "D"
    given.window_geometry, given.window_state = b"\x00\xff\x01", bytes(range(256))
    given.add_recent("a.mp4")
    store.save()
    assert SettingsStore().settings == given
    assert json.loads(store.path.read_text())["confidence"] == 0.4


def test_equal_settings_are_not_written_again():
    store = SettingsStore()
    store.save()
    store.path.unlink()
    store.save()
    assert not store.path.exists()
    store.settings.target = 0.8
    store.save()
    assert store.path.exists()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"confidence": 3}', b'{"memory_mib": "much"}', b"\xff\xfe{}", b'{"scheme": "pink"}']
)
def test_a_damaged_file_is_renamed_and_reported_once(content: bytes):
    path = folders.config_folder() / "settings.json"
    path.write_bytes(content)
    errors: list[UserError] = []
    store = SettingsStore(on_error=errors.append)
    assert store.settings == Settings()
    assert len(errors) == 1 and str(path) in str(errors[0])
    (aside,) = path.parent.glob("settings.json.damaged-*")
    assert aside.read_bytes() == content
    store.save()
    assert SettingsStore(on_error=errors.append).settings == Settings()
    assert len(errors) == 1


@pytest.mark.parametrize(
    ("name", "bad"),
    [("confidence", 3), ("memory_mib", "much"), ("scheme", "pink"), ("proof_on", 7), ("recent", {}), ("keys", [1])],
)
def test_one_bad_value_costs_no_other(name: str, bad: object):
    store = SettingsStore()
    good = store.settings
    good.confidence, good.memory_mib, good.scheme, good.decode_check_on = 0.4, 1024, "dark", False
    good.recent, good.keys, good.window_state = ["/a.mp4"], {"next": "D"}, b"\x00\xff"
    store.save()
    values = json.loads(store.path.read_text())
    store.path.write_text(json.dumps(values | {name: bad}))
    errors: list[UserError] = []
    found = SettingsStore(on_error=errors.append)
    expected = {key: value for key, value in values.items() if key != name}
    assert len(errors) == 1 and name in str(errors[0])
    found.save()
    written = json.loads(found.path.read_text())
    assert {key: written[key] for key in expected} == expected
    assert SettingsStore().settings == found.settings


def test_values_of_a_newer_version_are_ignored():
    path = folders.config_folder() / "settings.json"
    path.write_text('{"confidence": 0.3, "something_new": {"a": 1}}')
    assert SettingsStore().settings.confidence == 0.3


def test_settings_that_cannot_be_written_raise_an_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    store = SettingsStore(tmp_path / "file" / "settings.json")
    store.settings.target = 0.8
    with pytest.raises(UserError, match="written"):
        store.save()


def test_the_recent_list_is_short_and_without_duplicates(tmp_path: Path):
    settings = Settings()
    for number in range(RECENT_LIMIT + 5):
        settings.add_recent(tmp_path / f"{number}.mp4")
    settings.add_recent(tmp_path / "10.mp4")
    assert len(settings.recent) == RECENT_LIMIT
    assert settings.recent[0] == str(tmp_path / "10.mp4")
    assert len(set(settings.recent)) == RECENT_LIMIT
    settings.forget_recent(tmp_path / "10.mp4")
    assert str(tmp_path / "10.mp4") not in settings.recent


def test_folders_of_dialogs_are_remembered_by_kind_as_long_as_they_exist(tmp_path: Path):
    settings = Settings()
    assert settings.folder("video") == ""
    (tmp_path / "clip.mp4").write_bytes(b"")
    settings.remember_folder("video", tmp_path / "clip.mp4")
    settings.remember_folder("export", tmp_path)
    assert settings.folder("video") == settings.folder("export") == str(tmp_path)
    settings.remember_folder("gt", tmp_path / "gone" / "gt.txt")
    assert settings.folder("gt") == ""


def test_score_settings_are_converted_in_both_directions():
    settings = Settings(
        confidence=0.1, iou_threshold=0.6, class_agnostic=True, convention=Convention.INCLUSIVE, target=0.9
    )
    other = Settings()
    other.set_score_defaults(settings.score_settings())
    assert other == settings


def test_last_frames_are_remembered_for_recent_files_only() -> None:
    settings = Settings()
    for number in range(40):
        settings.remember_frame(f"/videos/{number}.mp4", number)
    assert len(settings.last_frames) == 12
    assert settings.last_frame("/videos/39.mp4") == 39
    assert settings.last_frame("/videos/1.mp4") == 0
    settings.remember_frame("/videos/39.mp4", 0)
    assert settings.last_frame("/videos/39.mp4") == 0


def test_the_author_is_the_login_name_unless_another_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "mb")
    assert Settings().author_name == "mb" and Settings(author=" ana ").author_name == "ana"

    def fail() -> str:
        raise KeyError("no such user")

    monkeypatch.setattr("getpass.getuser", fail)
    assert Settings().author_name == ""
