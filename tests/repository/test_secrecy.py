"""Nothing in the repository leads to a machine, a package index or a secret."""

import re

import pytest

from tests.repository.files import name_of, text_of, tracked

HERE = "tests/repository/test_secrecy.py"
HOSTS = re.compile(r"\b(?:pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org|deb\.debian\.org|index-url\s*=\s*http)")
PATHS = re.compile(r"(?<![\w.])/(?:work|root|Users|home/(?!dir\b)\w+)/\w")
SECRETS = re.compile(r"sk-ant-[\w-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|ghp_\w{20,}")
TEXT = {".py", ".md", ".toml", ".txt", ".yml", ".html", ".css", ".js", ".svg", ".conf", ".example", ".json", ""}


def texts() -> list[str]:
    return [name_of(path) for path in tracked() if path.suffix in TEXT and name_of(path) != HERE]


@pytest.mark.parametrize("pattern", [HOSTS, PATHS, SECRETS], ids=["hosts", "paths", "secrets"])
def test_no_file_holds_one(pattern: re.Pattern[str]) -> None:
    found = {name: match[0] for name in texts() if (match := pattern.search(text_of(name)))}
    assert found == {}
