"""Nothing in the repository leads to a machine of ours, to a package index or to a secret."""

import re
from collections.abc import Callable

import pytest

from tests.repository.files import name_of, text_of, tracked

HERE = "tests/repository/test_secrecy.py"
ADDRESS = re.compile(r"\b(?:https?|wss?|postgres|redis)://(?:[^/@\n]*@)?([\w.-]+)")
# Who may be named: ourselves, made-up hosts, standards, the hub of the model, the containers of docker-compose.yml.
KNOWN = re.compile(
    r"(?:localhost|testserver|127\.0\.0\.1|0\.0\.0\.0|192\.0\.2\.\d+|[a-z]\.[a-z])|(?:[\w-]+\.)*(?:example(?:\.\w+)?|test|invalid)"
    r"|www\.w3\.org|www\.sitemaps\.org|semver\.org|huggingface\.co|pages|ask|database|broker|host"
)
PATH = re.compile(r"(?<![\w.])/(?:work|root|Users|home)/\w+/")
SECRET = re.compile(r"sk-ant-[\w-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|ghp_\w{20,}")
TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".html", ".css", ".js", ".svg", ".conf", ".example", ".json", ""}


def texts() -> dict[str, str]:
    names = [name_of(path) for path in tracked() if path.suffix in TEXT]
    return {name: text_of(name) for name in names if name != HERE and not name.startswith("static/vendor/")}


def strangers(text: str) -> list[str]:
    return [host for host in ADDRESS.findall(text) if not KNOWN.fullmatch(host.rstrip("."))]


@pytest.mark.parametrize("find", [strangers, PATH.findall, SECRET.findall], ids=["hosts", "paths", "secrets"])
def test_no_file_names_one(find: Callable[[str], list[str]]) -> None:
    assert {name: found for name, text in texts().items() if (found := find(text))} == {}
