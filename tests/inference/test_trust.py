"""Which model files the user trusts, by the hash of their copy."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile

import pytest

from iouviewer.errors import UserError
from iouviewer.folders import cache_folder, config_folder
from iouviewer.inference.trust import TrustStore, private_copy


def test_nothing_is_trusted_initially():
    assert TrustStore().hashes() == []


def test_trust_is_stored():
    TrustStore().trust("ab" * 32, "/models/a.pt")
    TrustStore().trust("cd" * 32, "/models/b.pt")
    assert TrustStore().hashes() == ["ab" * 32, "cd" * 32]
    assert TrustStore().trusts("ab" * 32)
    assert [one.path for one in TrustStore().files()] == ["/models/b.pt", "/models/a.pt"], "the last one first"


def test_a_list_of_an_earlier_version_is_read_and_kept():
    (config_folder() / "trusted_models.json").write_text('{"%s": "/models/old.pt"}' % ("ef" * 32))
    assert TrustStore().trust("ab" * 32, "/models/a.pt")
    assert [(one.path, one.when is None) for one in TrustStore().files()] == [
        ("/models/a.pt", False),
        ("/models/old.pt", True),
    ]


def test_revoked_content_is_trusted_no_longer():
    TrustStore().trust("ab" * 32, "/models/a.pt")
    TrustStore().trust("cd" * 32, "/models/b.pt")
    TrustStore().revoke("ab" * 32)
    TrustStore().revoke("99" * 32)
    assert TrustStore().hashes() == ["cd" * 32]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": {"when": 1}}'])
def test_a_damaged_list_is_an_error(text):
    (config_folder() / "trusted_models.json").write_text(text)
    with pytest.raises(UserError, match="damaged"):
        TrustStore().hashes()


def test_the_hash_is_that_of_the_bytes_in_the_copy(tmp_path):
    source = tmp_path / "model.pt"
    content = os.urandom(3_000_000)
    source.write_bytes(content)
    copy = private_copy(source)
    source.write_bytes(b"something else")
    assert copy.path.name == "model.pt"
    assert copy.path.read_bytes() == content
    assert copy.sha256 == hashlib.sha256(content).hexdigest()
    copy.remove()
    assert not copy.folder.exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_other_users_cannot_read_the_copy(tmp_path):
    source = tmp_path / "model.pt"
    source.write_bytes(b"x")
    assert private_copy(source).folder.stat().st_mode & 0o077 == 0


def folder_model(path, xml=b"<net/>", name="m.xml"):
    path.mkdir()
    (path / name).write_bytes(xml)
    (path / "m.bin").write_bytes(b"\0" * 9)
    (path / "metadata.yaml").write_text("stride: 32")
    (path / "run.sh").write_text("not part of the model")
    return path


def test_only_the_model_files_of_a_folder_are_copied_and_hashed(tmp_path):
    copy = private_copy(folder_model(tmp_path / "a_openvino_model"))
    assert sorted(p.name for p in copy.path.iterdir()) == ["m.bin", "m.xml", "metadata.yaml"]
    assert private_copy(tmp_path / "a_openvino_model").sha256 == copy.sha256


@pytest.mark.parametrize("change", [{"xml": b"<net />"}, {"name": "n.xml"}])
def test_other_content_or_names_in_a_folder_change_the_hash(tmp_path, change):
    one = private_copy(folder_model(tmp_path / "a_openvino_model"))
    other = private_copy(folder_model(tmp_path / "b_openvino_model", **change))
    assert one.sha256 != other.sha256


def test_a_model_that_cannot_be_read_leaves_no_copy(tmp_path):
    with pytest.raises(OSError):
        private_copy(tmp_path / "missing.pt")
    assert list((cache_folder() / "models").iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="age decides on Windows")
def test_copies_of_killed_processes_are_removed_and_those_of_running_ones_stay(tmp_path):
    source = tmp_path / "model.pt"
    source.write_bytes(b"x")
    own = private_copy(source)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    stale = own.folder.parent / f"{dead.pid}-abc"
    running = own.folder.parent / f"{os.getppid()}-abc"
    for folder in (stale, running):
        folder.mkdir()
        (folder / "model.pt").write_bytes(b"y")
    private_copy(source)
    assert not stale.exists()
    assert running.exists() and own.path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc of Linux")
def test_without_folders_of_its_own_copies_and_trust_are_in_a_private_one(tmp_path, monkeypatch):
    monkeypatch.setenv("IOUVIEWER_HOME", "/proc/nobody")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    model = tmp_path / "model.pt"
    model.write_bytes(b"weights")
    copy = private_copy(model)
    assert copy.path.read_bytes() == b"weights" and copy.path.is_relative_to(tmp_path / "tmp")
    assert copy.folder.stat().st_mode & 0o077 == 0
    TrustStore().trust(copy.sha256, str(model))
    assert TrustStore().trusts(copy.sha256)
    copy.remove()
