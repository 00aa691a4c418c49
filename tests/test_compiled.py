"""Compiled code is kept where it may be written and nobody else can write; otherwise it is not kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import urbanplan
from urbanplan.files.compiled import _is_own

SRC = Path(urbanplan.__file__).parent
ASK = (
    "from urbanplan.routing import search; from urbanplan.files.compiled import _cache_folder;"
    "print(_cache_folder())"
)


@pytest.fixture
def install(tmp_path):
    """A copy of the package, with no cache yet."""
    home = tmp_path / "site"
    ignored = shutil.ignore_patterns("__pycache__", "assets", "data")
    shutil.copytree(SRC, home / "urbanplan", ignore=ignored)
    return home


def answer(home: Path, before: str = "", **environment: str) -> subprocess.CompletedProcess:
    """What a process says whose package stands in `home`, and which a shell may prepare."""
    own = {k: v for k, v in os.environ.items() if k not in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR")}
    own |= {"PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    script = f'{before} exec "$0" -c "$1"'
    shell = ["sh", "-c", script, sys.executable, ASK]
    if before and os.geteuid() == 0:
        shell = ["unshare", "-m", *shell]
    return subprocess.run(shell, env=own, capture_output=True, text=True)


def read_only(home: Path) -> str:
    """Shell words that make a folder read-only, for root too."""
    if os.geteuid() == 0:
        return f"mount --bind {home} {home} && mount -o remount,ro,bind {home} &&"
    return f"chmod -R a-w {home} &&"


def test_a_read_only_install_without_a_home_starts_and_says_so(install):
    done = answer(install, read_only(install), HOME="/proc/nowhere")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "None\n"
    (line,) = done.stderr.strip().splitlines()
    assert "compiled anew at each start" in line and "NUMBA_CACHE_DIR" in line


def test_a_read_only_install_keeps_its_code_with_the_user(install, tmp_path):
    done = answer(install, read_only(install), HOME=str(tmp_path / "me"))
    assert done.stdout == f"{tmp_path}/me/.cache/urbanplan\n" and not done.stderr
    made = tmp_path / "me" / ".cache" / "urbanplan"
    assert made.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_to_is_not_used(install, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    done = answer(install, NUMBA_CACHE_DIR=str(shared / "numba"), HOME=str(tmp_path / "me"))
    assert done.stdout == f"{tmp_path}/me/.cache/urbanplan\n"
    (install / "urbanplan" / "routing").chmod(0o777)
    done = answer(install, HOME=str(tmp_path / "me"))
    assert done.stdout == f"{tmp_path}/me/.cache/urbanplan\n"


def test_one_s_own_folders_are_used(install, tmp_path):
    assert answer(install).stdout == "\n"
    named = tmp_path / "named"
    assert answer(install, NUMBA_CACHE_DIR=str(named)).stdout == f"{named}\n"


@pytest.mark.parametrize(("mode", "private"), [(0o755, True), (0o700, True), (0o775, False), (0o777, False), (0o1777, True)])  # fmt: skip
def test_who_may_write_to_a_folder(tmp_path, mode, private):
    tmp_path.chmod(mode)
    assert _is_own(tmp_path) is private
