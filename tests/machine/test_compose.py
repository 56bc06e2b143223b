"""docker-compose.yml and Dockerfile, as far as they can be tested without an engine."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.machine.files import (
    COMPOSE,
    OTHERS,
    OURS,
    ROOT,
    example_variables,
    interpolated_variables,
    settings_variables,
)

PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+(\.\d+)?[\w.-]*")
SECRET = re.compile(r"PASSWORD|SECRET|KEY")


def test_every_image_is_pinned_to_a_version() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert [image for image in images if not PINNED.fullmatch(image)] == []


def test_our_image_has_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"footnote:{version}"}


def test_both_stages_build_on_the_same_python() -> None:
    assert len(set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))) == 1


def test_image_installs_with_the_same_uv_as_make_setup() -> None:
    pins = {re.search(r"uv==[\d.]+", (ROOT / name).read_text())[0] for name in ("Dockerfile", "portal/bootstrap.py")}
    assert len(pins) == 1


@pytest.mark.parametrize("name", OURS)
def test_service_is_given_only_variables_that_settings_read(name: str) -> None:
    assert set(OURS[name]["environment"]) - settings_variables() == set()


def test_every_interpolated_variable_is_in_the_example() -> None:
    assert interpolated_variables() - example_variables() == set()


def test_no_secret_is_in_the_file() -> None:
    for service in COMPOSE["services"].values():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert re.fullmatch(rf"\$\{{{variable}(:\?[^}}]+|:-)\}}", value), variable
    assert re.findall(r"//[^:@/\s]+:(.+?)@", (ROOT / "docker-compose.yml").read_text()) == [
        "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD in .env, letters and digits only}"
    ]


@pytest.mark.parametrize("name", sorted(set(OURS) | set(OTHERS) - {"migrate"}))
def test_every_lasting_service_restarts_and_has_a_health_check(name: str) -> None:
    service = COMPOSE["services"][name]
    if name == "migrate":
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("name", [*OURS, "proxy"])
def test_service_has_no_rights_it_does_not_need(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_image_runs_as_an_ordinary_user() -> None:
    assert re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE) == ["footnote"]


def test_services_share_the_media_and_start_after_the_migration() -> None:
    for name, service in OURS.items():
        assert service["volumes"] == ["media:/app/var/media"]
        if name != "migrate":
            assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_every_volume_and_every_mounted_file_exists() -> None:
    for service in COMPOSE["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", ["pages", "ask"])
def test_proxy_knows_the_port_of_the_service(name: str) -> None:
    port = OURS[name]["healthcheck"]["test"][3]
    assert f"server {name}:{port};" in (ROOT / "deploy" / "nginx.conf").read_text()


def test_nothing_private_goes_into_the_image() -> None:
    ignored = Path(ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", "var", ".venv", "tests"} <= set(ignored)
