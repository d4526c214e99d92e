"""The real worker process with real models, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest

from iouviewer.folders import cache_folder
from iouviewer.inference.environment import prepare_environment, worker_environment
from iouviewer.inference.protocol import Failed, FailureKind, Finished, FrameDetections, LoadModel, ModelLoaded, Predict
from iouviewer.inference.runner import RunRequest, WorkerProcess, run_in_process, worker_command
from iouviewer.resource_files import resource_path
from tests.inference.helpers import CodeRunningPickle, needs_yolo, python_worker, wait_until_gone, write_checkpoint
from tests.inference.reference import mot_truth, score, table_of

CLIP = resource_path("sample/clip.mp4")
WEIGHTS = CLIP.parent / "weights" / "baseline.pt"


def request(weights: Path = WEIGHTS, **options) -> RunRequest:
    return RunRequest("a", weights, CLIP, **options)


def failure(weights: Path, trusted: tuple[str, ...] = (), **options) -> Failed:
    """The error of a run that has no other messages."""
    messages = list(run_in_process(request(weights, **options), trusted=trusted))
    assert [type(m) for m in messages] == [Failed], messages
    return messages[0]


AUDIT = """
import json, os, sys
log = open({log!r}, "a")
seen = {{"socket." + n for n in ("connect", "getaddrinfo", "gethostbyname", "sendto", "bind")}} | {{"subprocess.Popen"}}

def hook(event, args):
    if event in seen:
        log.write(json.dumps([event, repr(args)]) + "\\n")
        log.flush()
        if event.startswith("socket."):
            raise OSError("no network in this test")

sys.addaudithook(hook)
from iouviewer.jobs.worker_entry import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def watched_run(tmp_path_factory):
    """The messages of a run over six frames, its network calls and started programs, and its home folder."""
    home, log = tmp_path_factory.mktemp("watched"), tmp_path_factory.mktemp("log") / "calls.txt"
    before = os.environ.get("IOUVIEWER_HOME")
    os.environ["IOUVIEWER_HOME"] = str(home)
    try:
        frames = (0, 7, 60, 61, 200, 499)
        command = python_worker(AUDIT.format(log=str(log)))
        messages = list(run_in_process(request(frames=frames, floor=0.01), command=command, trusted=()))
    finally:
        os.environ.pop("IOUVIEWER_HOME") if before is None else os.environ.update(IOUVIEWER_HOME=before)
    calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return messages, calls, home


@needs_yolo
def test_a_run_opens_no_socket_and_installs_nothing(watched_run):
    messages, calls, _ = watched_run
    assert isinstance(messages[-1], Finished), messages[-1]
    assert [c for c in calls if c[0].startswith("socket.")] == []
    assert [c for c in calls if "pip" in c[1] or "uv" in c[1].split()] == []


def test_the_audit_hook_records_connections(tmp_path):
    log = tmp_path / "calls.txt"
    code = AUDIT.format(log=str(log)).replace(
        "from iouviewer.jobs", "import socket\nsocket.create_connection(('::1', 9))\n#"
    )
    subprocess.run(python_worker(code), check=False, capture_output=True)
    assert "socket." in log.read_text()


@needs_yolo
def test_settings_of_ultralytics_are_in_the_config_folder_and_the_model_copy_is_deleted(watched_run):
    home = watched_run[2]
    assert (home / "config" / "ultralytics").is_dir()
    assert list((home / "cache" / "models").iterdir()) == []


@needs_yolo
def test_the_loaded_model_is_described(watched_run):
    model = watched_run[0][0]
    assert isinstance(model, ModelLoaded)
    assert model.names == ["car", "truck", "person"]
    assert model.imgsz == (416, 416)
    assert (model.task, model.runtime, model.trusted) == ("detect", "pytorch", False)
    assert model.sha256 == hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert set(model.versions) >= {"torch"}
    assert "cores" in model.hardware


ORACLE = """
import json, sys
import cv2
from ultralytics import YOLO
model = YOLO(sys.argv[1])
video = cv2.VideoCapture(sys.argv[2])
wanted = json.loads(sys.argv[3])
result = {}
for frame in range(max(wanted) + 1):
    ok, picture = video.read()
    if frame in wanted:
        found = model.predict(picture, conf=0.01, iou=0.7, max_det=300, verbose=False)[0].boxes
        result[frame] = [found.xyxy.tolist(), found.conf.tolist(), found.cls.tolist()]
open(sys.argv[4], "w").write(json.dumps(result))
"""


@needs_yolo
def test_detections_equal_those_of_ultralytics_on_frames_of_opencv(watched_run, tmp_path):
    found = [d for m in watched_run[0] if isinstance(m, FrameDetections) for d in m.unpack()]
    assert [d.frame for d in found] == [0, 7, 60, 61, 200, 499]
    assert sum(len(d.scores) for d in found) > 30
    out = tmp_path / "oracle.json"
    wanted = json.dumps([d.frame for d in found])
    subprocess.run(
        [sys.executable, "-c", ORACLE, str(WEIGHTS), str(CLIP), wanted, str(out)], env=worker_environment(), check=True
    )
    oracle = json.loads(out.read_text())
    for d in found:
        boxes, scores, classes = oracle[str(d.frame)]
        np.testing.assert_array_equal(d.boxes, np.array(boxes, np.float32).reshape(-1, 4))
        np.testing.assert_array_equal(d.scores, np.array(scores, np.float32))
        np.testing.assert_array_equal(d.classes, np.array(classes, np.int32))
        assert d.times.shape == (3,) and (d.times > 0).all()


PARENT = """
import sys
from pathlib import Path
from iouviewer.inference.runner import RunRequest, run_in_process
for message in run_in_process(RunRequest("a", Path(sys.argv[1]), Path(sys.argv[2])), trusted=()):
    print(type(message).__name__, flush=True)
"""


@needs_yolo
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_the_worker_ends_within_two_seconds_after_its_parent_is_killed():
    command = [sys.executable, "-c", PARENT, str(WEIGHTS), str(CLIP)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env=worker_environment(), text=True)
    assert parent.stdout is not None
    while parent.stdout.readline() != "FrameDetections\n":
        assert parent.poll() is None
    (worker,) = psutil.Process(parent.pid).children()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert wait_until_gone(worker.pid, 2.0)


@needs_yolo
def test_a_worker_ends_within_a_run_when_its_input_ends():
    with WorkerProcess(worker_command()) as worker:
        worker.send(LoadModel(weights=str(WEIGHTS)))
        worker.send(Predict(video=str(CLIP)))
        while not isinstance(message := worker.messages.get(timeout=60), FrameDetections):
            assert message is not None, worker.log
        worker.close_input()
        assert wait_until_gone(worker.pid, 2.0)


@needs_yolo
def test_a_cancelled_run_can_be_resumed():
    messages = []
    for message in run_in_process(request(frames=tuple(range(40))), trusted=(), cancelled=lambda: len(messages) > 2):
        messages.append(message)
    done = [d.frame for m in messages if isinstance(m, FrameDetections) for d in m.unpack()]
    assert isinstance(messages[-1], Finished) and messages[-1].cancelled
    assert done == list(range(len(done))) and 0 < len(done) < 40
    assert request(frames=tuple(range(40))).remaining(done, 500).frames == tuple(range(len(done), 40))


@needs_yolo
def test_a_pickle_that_runs_code_is_not_loaded_until_its_hash_is_trusted(tmp_path):
    mark = tmp_path / "ran"
    path = write_checkpoint(tmp_path / "evil.pt", {"model": CodeRunningPickle(mark), "train_args": {}})
    refused = failure(path)
    assert refused.kind == FailureKind.NEEDS_TRUST
    assert refused.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not mark.exists()
    other = failure(path, trusted=("00" * 32,))
    assert other.kind == FailureKind.NEEDS_TRUST and not mark.exists()
    assert failure(path, trusted=(refused.sha256,)).kind == FailureKind.DAMAGED
    assert mark.exists()
    assert list((cache_folder() / "models").iterdir()) == []


@needs_yolo
def test_a_missing_device_is_reported_as_such():
    refused = failure(WEIGHTS, device="63")
    assert refused.kind == FailureKind.UNSUPPORTED
    assert "no device '63'" in refused.message


@needs_yolo
def test_an_incomplete_model_is_damaged_and_does_not_ask_for_trust(tmp_path):
    path = tmp_path / "cut.pt"
    path.write_bytes(WEIGHTS.read_bytes()[:200_000])
    assert failure(path).kind == FailureKind.DAMAGED


@needs_yolo
def test_overwritten_bytes_in_the_pickle_are_damage_and_do_not_ask_for_trust(tmp_path):
    path = tmp_path / "flipped.pt"
    content = bytearray(WEIGHTS.read_bytes())
    with zipfile.ZipFile(WEIGHTS) as archive:
        info = next(i for i in archive.infolist() if i.filename.endswith("data.pkl"))
    content[info.header_offset + 200 : info.header_offset + 260] = b"\xff" * 60
    path.write_bytes(content)
    assert failure(path).kind == FailureKind.DAMAGED


UNTRAINED = """
import sys
from ultralytics import YOLO
for name in ("yolo11n-cls", "yolo11n-seg"):
    YOLO(f"{name}.yaml").save(f"{sys.argv[1]}/{name}.pt")
"""


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> Path:
    """A folder with networks for other tasks that have learned nothing."""
    folder = tmp_path_factory.mktemp("untrained")
    command = [sys.executable, "-c", UNTRAINED, str(folder)]
    subprocess.run(command, cwd=folder, env=worker_environment(), check=True, capture_output=True)
    return folder


@needs_yolo
def test_a_model_for_another_task_says_so(untrained):
    refused = failure(untrained / "yolo11n-cls.pt")
    assert refused.kind == FailureKind.UNSUPPORTED
    assert "models for the task 'classify' do not detect boxes" in refused.message
    assert "detect, segment or pose" in refused.remedy


@needs_yolo
def test_the_boxes_of_a_segmentation_model_are_read(untrained):
    arguments = request(untrained / "yolo11n-seg.pt", frames=(0,), floor=0.0, max_det=20)
    loaded, *_, end = run_in_process(arguments, trusted=())
    assert isinstance(end, Finished), end
    assert (loaded.task, loaded.max_det, end.done) == ("segment", 20, 1)


NO_MEMORY = """
import sys
import ultralytics
def predict(*_, **__):
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
ultralytics.YOLO.predict = predict
from iouviewer.jobs.worker_entry import main
sys.exit(main())
"""


@needs_yolo
def test_a_model_that_does_not_fit_into_memory_is_not_called_damaged():
    (refused,) = run_in_process(request(frames=(0,)), command=python_worker(NO_MEMORY), trusted=())
    assert refused.kind == FailureKind.MEMORY
    assert str(refused) == (
        f"{WEIGHTS}: not enough memory to load the model. Choose a smaller image size or close other programs."
    )


@needs_yolo
def test_a_file_that_is_not_a_video_is_one_error(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    messages = list(run_in_process(RunRequest("a", WEIGHTS, path), trusted=()))
    assert [type(m) for m in messages] == [ModelLoaded, Failed]
    assert messages[-1].kind == FailureKind.VIDEO and "text.mp4" in str(messages[-1])


@needs_yolo
def test_output_of_libraries_does_not_reach_the_program(tmp_path):
    code = """
import os, sys
import iouviewer.inference.ultralytics_adapter as adapter
real = adapter.load_detector
def noisy(request):
    print("python says hello")
    os.write(1, b"so does C")
    os.system("echo and a child")
    assert os.read(0, 10) == b""
    return real(request)
adapter.load_detector = noisy
from iouviewer.jobs.worker_entry import main
sys.exit(main())
"""
    messages = list(run_in_process(request(frames=(0,)), command=python_worker(code), trusted=()))
    assert isinstance(messages[-1], Finished), messages[-1]


@needs_yolo
@pytest.mark.slow
def test_the_reference_model_has_the_scores_of_an_independent_script(shared_data):
    frames = tuple(range(480, 795))
    video, weights = shared_data / "pets09" / "vtest.avi", shared_data / "models" / "yolo11n-pets.pt"
    messages = list(run_in_process(RunRequest("base", weights, video, frames, floor=0.01), trusted=()))
    assert isinstance(messages[-1], Finished), messages[-1]
    found = [d for m in messages if isinstance(m, FrameDetections) for d in m.unpack()]
    coco, avg_iou = score(mot_truth(shared_data / "pets09" / "gt.txt", 795), table_of(found, 795), frames)
    assert coco.ap == pytest.approx(0.407, abs=0.01)
    assert avg_iou == pytest.approx(0.621, abs=0.01)


def test_the_worker_sets_the_variables_that_the_program_passes():
    environment: dict[str, str] = {}
    prepare_environment(environment)
    assert environment.items() <= worker_environment().items()


def test_opencv_reads_the_clip_that_the_sample_names():
    video = cv2.VideoCapture(str(CLIP))
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == 500
    video.release()
