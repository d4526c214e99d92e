"""Batches: tasks named by their content, done once by any engine, and nothing lost when processes are killed."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import psutil
import pytest

from iouviewer.cli import main
from iouviewer.errors import UserError
from iouviewer.jobs.batch.engines import DaskCluster, InThisProcess, Processes, is_loopback
from iouviewer.jobs.batch.manifest import BatchManifest, checked_file, content_digest, read_manifest
from iouviewer.jobs.batch.outputs import OutputFolder
from iouviewer.jobs.batch.results import prediction_file
from iouviewer.jobs.batch.runs import batch_status, plan_batch, run_batch
from iouviewer.jobs.batch.tasks import cut, in_shard, parse_shard
from iouviewer.resource_files import resource_path
from tests.inference.helpers import is_gone, needs_yolo
from tests.jobs.batch_world import CLIPS, FRAMES, BatchWorld, contents

TASKS = CLIPS * 2 * 2
"""8 clips, 2 variants, 12 frames in tasks of 6."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BatchWorld:
    return BatchWorld(tmp_path, monkeypatch)


@pytest.fixture
def loop(world: BatchWorld, tmp_path: Path) -> dict[str, bytes]:
    """The results of a plain loop."""
    out = tmp_path / "loop"
    world.plan(out)
    outputs = OutputFolder(out)
    summary = run_batch(plan_batch(read_manifest(world.manifest), outputs), outputs, InThisProcess())
    assert (summary.done, summary.failed) == (TASKS, {})
    world.log.unlink()
    return contents(out)


def _wait_for(what, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def _children(process: psutil.Process, name: str) -> list[psutil.Process]:
    return [child for child in process.children(recursive=True) if name in " ".join(child.cmdline())]


def test_processes_do_what_a_plain_loop_does_byte_for_byte_and_a_complete_run_does_nothing(
    world: BatchWorld, loop: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    world.plan(out)

    status, said = world.run("run", out, "--workers", "2")
    assert status == 0, said
    assert f"{TASKS} tasks done." in said
    assert contents(out) == loop
    assert len(world.runs) == TASKS

    status, said = world.run("run", out, "--workers", "2")
    assert (status, len(world.runs)) == (0, TASKS)
    assert "0 tasks done." in said


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local", "dask"])
def test_a_killed_worker_and_a_killed_driver_cost_only_the_tasks_in_flight(
    engine: str, world: BatchWorld, loop: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "dask":
        pytest.importorskip("distributed")
    monkeypatch.setenv("BATCH_SLEEP", "0.1")
    out = tmp_path / "out"
    world.plan(out)
    options = ("--engine", engine, "--workers", "2")
    driver = world.start("run", out, *options)
    process = psutil.Process(driver.pid)
    marker = "fake_detector"
    done = lambda: len(list((out / "tasks").glob("*/done")))  # noqa: E731 - read at each call

    _wait_for(lambda: done() >= 3 and _children(process, marker))
    [detector, *_] = _children(process, marker)
    worker = detector.parent()
    assert worker is not None and worker.pid != driver.pid
    worker.send_signal(signal.SIGKILL)
    _wait_for(lambda: is_gone(detector.pid))
    before = done()
    _wait_for(lambda: done() >= before + 3)
    addresses = {
        address.ip
        for one in (process, *process.children(recursive=True))
        for connection in one.net_connections("inet")
        for address in (connection.laddr, connection.raddr)
        if address
    }
    assert addresses <= {"127.0.0.1", "::1"}
    family = process.children(recursive=True)
    driver.kill()
    driver.wait()
    _wait_for(lambda: all(is_gone(child.pid) for child in family))
    assert driver.stdout is not None
    driver.stdout.close()
    assert done() < TASKS
    repeated_at_most = 2 + 2  # in flight with the worker and with the driver, at most two each

    monkeypatch.setenv("BATCH_SLEEP", "0")
    status, said = world.run("run", out, *options)

    assert status == 0, said
    assert contents(out) == loop
    assert len(world.runs) <= TASKS + repeated_at_most
    count = len(world.runs)
    assert world.run("run", out, *options)[0] == 0
    assert len(world.runs) == count


def test_shares_without_an_engine_make_the_whole(world: BatchWorld, loop: dict[str, bytes], tmp_path: Path) -> None:
    out = tmp_path / "out"
    world.plan(out)
    planned = plan_batch(read_manifest(world.manifest), OutputFolder(out))
    shares = [[task.key for task in planned.tasks if in_shard(task, (k, 3))] for k in (1, 2, 3)]
    assert sorted(key for share in shares for key in share) == sorted(task.key for task in planned.tasks)

    for k in (3, 1, 2):
        assert main(["batch", "run", str(world.manifest), "--out", str(out), "--shard", f"{k}/3"]) == 0

    assert contents(out) == loop
    assert len(world.runs) == TASKS


def test_the_verdict_is_that_of_predict_and_gate_on_one_machine(
    world: BatchWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    world.plan(out, frames_per_task=5)
    assert main(["batch", "run", str(world.manifest), "--out", str(out), "--engine", "none"]) == 0
    capsys.readouterr()
    status = main(["batch", "gate", str(world.manifest), "--out", str(out)])
    found = capsys.readouterr().out

    arguments = ["gate"]
    for one in world.sources:
        video, folder = tmp_path / one["video"], tmp_path / f"runs-{one['name']}"
        models = [text for name in ("base", "small") for text in ("--model", f"{name}={tmp_path / name}.pt")]
        assert main(["predict", str(video), *models, "--out", str(folder)]) == 0
        arguments += ["--gt", str(tmp_path / one["ground_truth"]), "--video", str(video)]
        arguments += [text for name in ("base", "small") for text in ("--pred", f"{name}={folder / name}.json")]
    capsys.readouterr()
    assert main(arguments) == status
    expected = capsys.readouterr().out.replace(".mp4", "")

    cells = [[cell for cell in line.split() if cell.strip("-")] for line in found.splitlines()]
    assert cells == [[cell for cell in line.split() if cell.strip("-")] for line in expected.splitlines()]
    assert "on 8 videos" in found


def test_a_failed_task_is_a_row_tried_three_times_and_the_others_are_done(
    world: BatchWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.pt").write_bytes(b"damaged")
    world.write([{"name": "base", "weights": "base.pt"}, {"name": "bad", "weights": "bad.pt"}])
    out = tmp_path / "out"
    world.plan(out, frames_per_task=FRAMES)

    assert main(["batch", "run", str(world.manifest), "--out", str(out), "--workers", "2"]) == 2
    said = capsys.readouterr()
    assert f"{CLIPS} tasks done." in said.out
    assert said.err.count("damaged, ") == CLIPS and "(3 tries, " in said.err
    failures = OutputFolder(out).failures()
    assert len(failures) == CLIPS
    for failed in failures.values():
        assert failed.task.variant == "bad"
        assert [attempt.kind for attempt in failed.attempts] == ["damaged"] * 3
        assert {attempt.log for attempt in failed.attempts} == {"a\nlog"} and failed.attempts[0].node

    assert main(["batch", "status", str(world.manifest), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert f"base: {CLIPS} of {CLIPS} tasks done" in said.out and f"bad: 0 of {CLIPS} tasks done" in said.out
    assert main(["batch", "gate", str(world.manifest), "--out", str(out)]) == 2
    assert "1 task of bad on clip0 is not done" in capsys.readouterr().err
    assert len(world.runs) == CLIPS


def test_another_content_setting_or_version_is_another_task(world: BatchWorld, tmp_path: Path, monkeypatch) -> None:
    out = OutputFolder(tmp_path / "out")
    world.plan(tmp_path / "out")

    def keys() -> set[str]:
        return {task.key for task in plan_batch(read_manifest(world.manifest), out, probe=False).tasks}

    first = keys()
    assert keys() == first
    (tmp_path / "base.pt").write_bytes(b"base 2")
    os.utime(tmp_path / "base.pt", (1, 1))
    second = keys()
    assert len(first & second) == TASKS // 2
    manifest = json.loads(world.manifest.read_text())
    world.manifest.write_text(json.dumps(manifest | {"settings": {"floor": 0.1}}))
    assert not keys() & (first | second)
    monkeypatch.setattr("iouviewer.jobs.batch.runs.runtime_name", lambda: "another")
    assert len(keys()) and not keys() & (first | second)


def test_a_file_is_hashed_once_while_its_size_and_time_stay(world: BatchWorld, tmp_path: Path, monkeypatch) -> None:
    from iouviewer.jobs.batch import manifest as module

    out = OutputFolder(tmp_path / "out")
    world.plan(tmp_path / "out")
    read = []

    def count(path: Path) -> str:
        read.append(path.name)
        return content_digest(path)

    monkeypatch.setattr(module, "content_digest", count)
    for _ in range(2):
        monkeypatch.setattr(module, "_digests", {})  # another process
        plan_batch(read_manifest(world.manifest), out, probe=False)
    assert sorted(read) == sorted([*(f"clip{n}.mp4" for n in range(CLIPS)), "base.pt", "small.pt"])
    os.utime(tmp_path / "clip3.mp4", (1, 1))
    monkeypatch.setattr(module, "_digests", {})
    plan_batch(read_manifest(world.manifest), out, probe=False)
    assert read[CLIPS + 2 :] == ["clip3.mp4"]


def test_a_machine_with_other_versions_refuses(world: BatchWorld, tmp_path: Path, monkeypatch) -> None:
    out = OutputFolder(tmp_path / "out")
    world.plan(tmp_path / "out", frames_per_task=FRAMES)
    monkeypatch.setattr("iouviewer.jobs.batch.runs.runtime_name", lambda: "iouviewer 0")
    planned = plan_batch(read_manifest(world.manifest), out)

    summary = run_batch(planned, out, InThisProcess())

    assert summary.done == 0 and len(summary.failed) == 2 * CLIPS
    attempt = next(iter(summary.failed.values())).attempts[0]
    assert attempt.kind == "refused" and "the batch iouviewer 0" in attempt.words


def test_a_damaged_result_is_not_scored_and_one_without_its_marker_is_done_again(
    world: BatchWorld, loop: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    world.plan(out)
    outputs = OutputFolder(out)
    planned = plan_batch(read_manifest(world.manifest), outputs)
    run_batch(planned, outputs, InThisProcess())
    one, other = planned.tasks[0].key, planned.tasks[1].key
    (outputs.task_folder(one) / "result.npz").write_bytes(b"nothing")
    with pytest.raises(UserError, match="damaged") as refused:
        outputs.read_result(one)
    assert "only this task is repeated" in refused.value.remedy
    for key in (one, other):
        (outputs.task_folder(key) / "done").unlink()
    world.log.unlink()

    assert len(batch_status(planned, outputs).missing) == 2
    run_batch(planned, outputs, InThisProcess())
    assert len(world.runs) == 2 and contents(out) == loop


def test_the_plan_measures_each_model_once_and_says_what_is_missing(
    world: BatchWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        assert main(["batch", "plan", str(world.manifest), "--out", str(out)]) == 0
        said = capsys.readouterr().out
        assert f"{2 * CLIPS} tasks are missing: about 1 min of one process and 1 MB" in said
    assert len(world.runs) == 2


@pytest.mark.parametrize(("count", "each", "pieces"), [(12, 75.0, 3), (10, 1.0, 1), (1, 900.0, 1), (0, 1.0, 0)])
def test_frames_are_cut_into_equal_ranges_of_about_five_minutes(count: int, each: float, pieces: int) -> None:
    ranges = list(cut(count, each))
    assert len(ranges) == pieces
    assert [frame for one in ranges for frame in one] == list(range(count))


@pytest.mark.parametrize("text", ["0/3", "4/3", "a/3", "3", "1/0", "-1/2"])
def test_a_wrong_share_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="share K/N"):
        parse_shard(text)


def test_csv_and_json_say_the_same(world: BatchWorld) -> None:
    rows = ["kind,name,path,ground_truth,group,sha256", "setting,floor,0.05,,,", "baseline,small,,,,"]
    rows += [f"video,{one['name']},{one['video']},{one['ground_truth']},{one['group']}," for one in world.sources]
    rows += ["model,base,base.pt,,,", "model,small,small.pt,,,"]
    table = world.folder / "batch.csv"
    table.write_text("\n".join(rows) + "\n")
    values = json.loads(world.manifest.read_text())
    world.manifest.write_text(json.dumps(values | {"settings": {"floor": 0.05}, "baseline": "small"}))

    assert read_manifest(table).manifest == read_manifest(world.manifest).manifest


WRONG = {
    "there twice": {"sources": [{"name": "a", "video": "x"}, {"name": "a", "video": "y"}]},
    "at least one video": {"sources": []},
    "unknown field": {"sources": [{"name": "a", "video": "x", "frames": 3}]},
    "a URL needs its sha256": {"sources": [{"name": "a", "video": "s3://bucket/x.mp4"}]},
    "64 digits": {"sources": [{"name": "a", "video": "x", "sha256": "12"}]},
    "cannot be a file name": {"sources": [{"name": "a/b", "video": "x"}]},
    "is not a variant": {"baseline": "c"},
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_manifest_is_refused_in_one_line(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "batch.json"
    valid = {"sources": [{"name": "a", "video": "x"}], "variants": [{"name": "m", "weights": "m.pt"}]}
    path.write_text(json.dumps(valid | WRONG[words]))
    assert main(["batch", "plan", str(path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and "batch.json" in said
    assert not (tmp_path / "out").exists()


def test_a_file_with_another_content_than_the_manifest_says_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(b"one")
    digest = content_digest(path)
    assert checked_file(str(path), digest) == path
    path.write_bytes(b"another")
    with pytest.raises(UserError, match="content is not the one"):
        checked_file(str(path), digest)


def test_a_url_is_fetched_once_and_keeps_its_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec")
    monkeypatch.setattr("iouviewer.jobs.batch.manifest.cache_folder", lambda: tmp_path / "cache")
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"video")
    digest = content_digest(path)

    first = checked_file(f"file://{path}", digest)
    path.unlink()

    assert first.suffix == ".mp4" and first.read_bytes() == b"video"
    assert checked_file(f"file://{path}", digest) == first
    with pytest.raises(UserError, match="cannot be fetched"):
        checked_file(f"file://{path}", "0" * 64)


def test_a_scheduler_on_another_machine_needs_tls(capsys: pytest.CaptureFixture[str]) -> None:
    assert is_loopback("tcp://127.0.0.1:8786") and is_loopback("localhost:1") and is_loopback("tls://[::1]:2")
    assert not is_loopback("tcp://10.0.0.1:1") and not is_loopback("tcp://node7:1")
    for address in ("tcp://10.0.0.1:8786", "tls://10.0.0.1:8786"):
        with pytest.raises(UserError, match="needs TLS"):
            DaskCluster(address)
    DaskCluster("tcp://127.0.0.1:8786")


def test_the_dataset_of_a_batch_lists_the_worst_source_first(
    world: BatchWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iouviewer.project.dataset_file import DatasetFile

    shown = []
    monkeypatch.setattr("iouviewer.cli.display.show_window", lambda request: shown.append(request) or 0)
    out = tmp_path / "out"
    world.plan(out, frames_per_task=FRAMES)
    assert main(["batch", "run", str(world.manifest), "--out", str(out), "--workers", "2"]) == 0
    for _ in range(2):
        assert main(["batch", "open", str(world.manifest), "--out", str(out)]) == 0

    assert shown[0].dataset == out / "batch.ioudataset" == shown[1].dataset
    dataset = DatasetFile(shown[0].dataset).read()
    assert len(dataset) == CLIPS and set(dataset.tags) == {"g0", "g1"}
    first = dataset.sources[0]
    assert [name for name, _path in first.prediction_files] == ["base", "small"]
    assert Path(first.truth_file).is_file() and all(Path(path).is_file() for _name, path in first.prediction_files)
    assert [one.path for one in dataset.sources] != [str(tmp_path / one["video"]) for one in world.sources]


def test_a_dataset_that_was_worked_on_keeps_its_projects(world: BatchWorld, tmp_path: Path) -> None:
    from iouviewer.jobs.batch.results import write_dataset
    from iouviewer.project.dataset_file import DatasetFile

    out = OutputFolder(tmp_path / "out")
    world.plan(tmp_path / "out", frames_per_task=FRAMES)
    read = read_manifest(world.manifest)
    planned = plan_batch(read, out)
    file = DatasetFile(write_dataset(read, planned, out))
    dataset = file.read()
    worked = replace(dataset.sources[2], project=str(tmp_path / "clip2.iouv"), included=False)
    file.write(replace(dataset, sources=(dataset.sources[0], worked)))
    run_batch(planned, out, InThisProcess())

    write_dataset(read, planned, out, {"clip2": -3.0, "clip5": -2.0})

    found = DatasetFile(file.path).read().sources
    assert [Path(one.path).stem for one in found][:2] == ["clip2", "clip5"] and len(found) == CLIPS
    assert (found[0].id, found[0].project, found[0].included) == (worked.id, worked.project, False)
    assert found[0].prediction_files == () and len(found[1].prediction_files) == 2


def test_a_speed_is_given_only_where_all_tasks_ran_on_the_same_hardware() -> None:
    from iouviewer.jobs.batch.results import _speed

    one = {"device": "cpu", "hardware": "a", "threads": 1}
    assert _speed([{**one, "fps": 10.0}, {**one, "fps": 30.0}, {**one, "fps": 12.0}]) == 12.0
    assert _speed([{**one, "fps": 10.0}, {**one, "hardware": "b", "fps": 10.0}]) is None
    assert _speed([{**one, "fps": None}]) is None and _speed([]) is None


def test_a_manifest_goes_through_json_unchanged(world: BatchWorld) -> None:
    manifest = read_manifest(world.manifest).manifest
    assert msgspec.json.decode(msgspec.json.encode(manifest), type=BatchManifest) == manifest


def test_an_interrupted_run_leaves_no_process_and_goes_on(
    world: BatchWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCH_SLEEP", "0.3")
    out = tmp_path / "out"
    world.plan(out, frames_per_task=FRAMES)
    driver = world.start("run", out, "--workers", "2")
    process = psutil.Process(driver.pid)
    _wait_for(lambda: len(_children(process, "fake_detector")) == 2)
    family = process.children(recursive=True)

    driver.send_signal(signal.SIGINT)

    assert driver.wait(timeout=60) == 130
    _wait_for(lambda: all(is_gone(child.pid) for child in family))
    assert driver.stdout is not None and "interrupted" in driver.stdout.read()
    driver.stdout.close()
    monkeypatch.setenv("BATCH_SLEEP", "0")
    assert world.run("run", out, "--workers", "2")[0] == 0


@needs_yolo
@pytest.mark.slow
def test_real_models_find_in_tasks_what_predict_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = resource_path("sample")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes((sample / "clip.mp4").read_bytes())
    names = ("nearly",)
    manifest = tmp_path / "batch.json"
    manifest.write_text(
        json.dumps(
            {
                "settings": {"imgsz": 160},
                "sources": [{"name": "clip", "video": "clip.mp4"}],
                "variants": [{"name": name, "weights": str(sample / "weights" / f"{name}.pt")} for name in names],
            }
        )
    )
    out = OutputFolder(tmp_path / "out")
    out.create()
    measured = {"seconds_per_frame": 3.0, "bytes_per_frame": 100.0}
    out.write_plan({content_digest(sample / "weights" / f"{name}.pt"): measured for name in names})

    assert main(["batch", "run", str(manifest), "--out", str(out.folder), "--workers", "2"]) == 0
    planned = plan_batch(read_manifest(manifest), out)
    assert len(planned.tasks) > 1
    models = [text for name in names for text in ("--model", f"{name}={sample / 'weights' / name}.pt")]
    assert main(["predict", str(clip), *models, "--imgsz", "160", "--out", str(tmp_path / "single")]) == 0

    capsys.readouterr()
    for name in names:
        pieces = json.loads(prediction_file(planned, out, "clip", name).read_text())
        whole = json.loads((tmp_path / "single" / f"{name}.json").read_text())
        assert pieces["annotations"] == whole["annotations"] and len(whole["annotations"]) > 100


def test_no_more_processes_than_tasks_are_started(world: BatchWorld, tmp_path: Path) -> None:
    out = OutputFolder(tmp_path / "out")
    out.create()
    assert list(Processes(4).run(out.folder, lambda: None)) == []
