"""Shells are offered commands, options, and the names that a city knows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from townfolder import write_town
from urbanplan.cli import cli


def script(shell: str) -> str:
    done = CliRunner().invoke(cli, ["completion", shell], prog_name="urbanplan")
    assert done.exit_code == 0, done.output
    return done.output


def offered(line: str, folder: Path) -> set[str]:
    """What bash offers at the end of a line; the words before the last are finished."""
    program = folder / "urbanplan"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m urbanplan "$@"\n', "utf-8")
    program.chmod(0o755)
    words = " ".join(f"'{word}'" for word in ["urbanplan", *line.split(" ")])
    asked = (
        f"{script('bash')}\nCOMP_WORDS=({words})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        f"compopt() {{ echo \"$2\"; }}\n_urbanplan_completion '{program}'\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", "--norc"], input=asked, capture_output=True, text=True, check=True
    )
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_script_that_says_where_it_goes(shell):
    text = script(shell)
    assert text.startswith("# ") and shell in text and "_URBANPLAN_COMPLETE" in text
    # A shell that is here reads it without a word.
    if shutil.which(shell):
        done = subprocess.run([shell, "-n"], input=text, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "among"),
    [
        ("co", {"coverage", "compare", "completion"}),
        ("publish ", {"html", "qgis", "formats"}),
        ("coverage luzhou --fac", {"--facilities"}),
        ("coverage luzhou --facilities hos", {"hospitals"}),
        ("coverage lu", {"luzhou"}),
        ("isochrone luzhou --mode ", {"walk", "bike", "drive"}),
        ("compare luzhou baseline tuo", {"tuo_4", "tuo_5", "tuo_7"}),
        ("indicators luzhou --standard GB55", {"GB55014-2021"}),
        ("import x.zip --kind par", {"parks"}),
        ("completion ", {"bash", "zsh", "fish"}),
        # Folders, where no embedded city is called so.
        ("check my", {"dirnames"}),
    ],
)
def test_bash_is_offered(tmp_path, line, among):
    assert among <= offered(line, tmp_path)


def test_a_city_of_ones_own_offers_its_scenarios(tmp_path):
    town = write_town(tmp_path / "town")
    assert "second_bridge" in offered(f"compare {town} baseline sec", tmp_path)


def test_a_city_that_cannot_be_read_offers_nothing_and_says_nothing(tmp_path):
    assert offered(f"compare {tmp_path}/nowhere baseline x", tmp_path) == set()
