"""The proxy of docker-compose.yml on this machine: only its addresses and folders are others."""

import os
import re
import shutil
import socket
from pathlib import Path

from tests.machine.files import ROOT

NGINX = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or "nginx"


def configured(folder: Path, *, pages: int, ask: int, listen: int, is_behind: bool = False) -> Path:
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    text = text.replace("server pages:8000;", f"server 127.0.0.1:{pages};").replace(
        "server ask:8001;", f"server 127.0.0.1:{ask};"
    )
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{listen};").replace("/tmp/", f"{folder}/")
    text = text.replace("/etc/nginx/", f"{folder}/")
    if is_behind:
        shutil.copy(ROOT / "deploy" / "behind-proxy.conf", folder)
    text = re.sub(r"/dev/std(err|out)", f"{folder}/log", text)
    (folder / "nginx.conf").write_text(text)
    return folder / "nginx.conf"


def listens_at(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
