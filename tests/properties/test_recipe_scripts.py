"""Whatever somebody fills in reaches the program as it was typed, and does nothing on the way there.

The scripts run for real, under bash, with a stand-in for Python that keeps what it was given.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fabriek.compute.directives import read_directives
from fabriek.recipes.parameters import Asked, check
from fabriek.recipes.recipe import BOOK, Recipe, read_book
from fabriek.recipes.rendering import CannotRender, render

RECIPES = read_book(BOOK)
HOSTILE = [
    "$(touch {canary})",
    "`touch {canary}`",
    "'; touch {canary}; '",
    '"; touch {canary}; "',
    "\nFABRIEK_END_OF_FILE\ntouch {canary}\n",
    "FABRIEK_END_OF_FILE",
    "x\n#SBATCH --account=somebody-else\n#SBATCH --time=30-0",
    "${{IFS}}&& touch {canary} #",
    "../../../../etc/passwd",
    "--help -rf /",
    "\\\n\\$(touch {canary})",
    "%s%n{{}}{{0}}%(name)s",
    "é ü 漢 \U0001f600 ' \" \\ $HOME ~ * ? !",
    "<(touch {canary})",
    "]]]]><![CDATA[",
]
PYTHON = """#!/bin/bash
# A stand-in: keeps the parameters and what it was called with.
cp "${@: -1}" "$FABRIEK_TEST_FOLDER/parameters.json"
printf '%s\\n' "$@" > "$FABRIEK_TEST_FOLDER/arguments"
"""


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("python") / "python with a space"
    path.write_text(PYTHON)
    path.chmod(0o755)
    return path


def ran(script: str, folder: Path, python: Path) -> dict[str, Any]:
    (folder / "script").write_text(script, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "SLURM_JOB_ID": "7",
        "FABRIEK_TORCH_PYTHON": str(python),
        "FABRIEK_TEST_FOLDER": str(folder),
    }
    done = subprocess.run(
        ["bash", str(folder / "script")], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads((folder / "parameters.json").read_text(encoding="utf-8"))


def tried(recipe: Recipe, said: dict[str, Any], folder: Path, python: Path) -> dict[str, Any] | None:
    """What the program is told; None where it was refused."""
    asked, faults = check(recipe, said)
    if asked is None:
        assert faults
        return None
    script = render(recipe, asked)
    read = read_directives(script)
    assert (read.name, read.account, read.seconds) == (recipe.code, "", asked.seconds)
    return ran(script, folder, python)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_words_arrive_as_words(number: int, tmp_path: Path, stand_in: Path) -> None:
    canary = tmp_path / "canary"
    words = HOSTILE[number].format(canary=canary)
    recipe = RECIPES["evaluate-lm"]
    checkpoint = {"checkpoint": "8d8a8f3e-0000-4000-8000-000000000001"}
    told = tried(recipe, {**checkpoint, "prompt": words}, tmp_path, stand_in)
    assert told is not None
    assert told["prompt"] == words
    assert not canary.exists()
    told = tried(recipe, {**checkpoint, "name": words}, tmp_path, stand_in)
    assert (told is None) == ("\n" in words)
    assert told is None or told["name"] == words.strip()
    told = tried(RECIPES["train-small-lm"], {"text": "own", "path": f"/data/{words}"}, tmp_path, stand_in)
    assert told is None or told["path"] == f"/data/{words}".strip()
    for name in ("steps", "size", "minutes", "cores", "accelerators", "nodes", "seed"):
        assert tried(RECIPES["train-distributed"], {name: words}, tmp_path, stand_in) is None, name
    assert tried(recipe, {"checkpoint": words}, tmp_path, stand_in) is None
    assert not canary.exists()
    assert not (tmp_path / "fabriek-recipe-7").exists(), "what it carried is cleared away"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=400), st.text(max_size=200))
@example("\r\n", "a\rb")
@example("'", "\u2028")
def test_any_words_arrive_as_words(tmp_path: Path, stand_in: Path, prompt: str, name: str) -> None:
    said = {"checkpoint": "8d8a8f3e-0000-4000-8000-000000000001", "prompt": prompt, "name": name}
    told = tried(RECIPES["evaluate-lm"], said, tmp_path, stand_in)
    if told is not None:
        assert told["prompt"] == (prompt.replace("\r\n", "\n") if prompt.strip() else "In ")
        assert told["name"] == name.strip()


def test_where_a_checkpoint_lies_is_data_too(tmp_path: Path, stand_in: Path) -> None:
    """Its path is a job's own word, and a job may say anything."""
    canary = tmp_path / "canary"
    recipe = RECIPES["serve-lm"]
    asked, _ = check(recipe, {"checkpoint": "8d8a8f3e-0000-4000-8000-000000000001"})
    assert isinstance(asked, Asked)
    path = f"/x/$(touch {canary})'\nFABRIEK_END_OF_FILE\ntouch {canary}"
    told = ran(render(recipe, asked, {"checkpoint": {"path": path, "sha256": "0" * 64}}), tmp_path, stand_in)
    assert told["checkpoint"]["path"] == path
    assert not canary.exists()


def test_a_program_that_would_end_its_file_early_is_refused() -> None:
    recipe = RECIPES["notebook"]
    asked, _ = check(recipe, {})
    assert asked is not None
    broken = recipe.model_copy(update={"files": {"notebook": "x = 1\nFABRIEK_END_OF_FILE\nrm -rf /\n"}})
    with pytest.raises(CannotRender, match="ends the file early"):
        render(broken, asked)


def test_the_site_s_prologue_comes_first_and_its_python_is_one_word(tmp_path: Path, stand_in: Path) -> None:
    """A prologue may use what `set -eu` would stop: an unset variable, a command that fails."""
    prologue = tmp_path / "prologue.sh"
    prologue.write_text(f'false; echo "$NOT_SET"; export FABRIEK_TORCH_PYTHON="{stand_in}" FABRIEK_SAID=hello\n')
    recipe = RECIPES["notebook"]
    asked, _ = check(recipe, {"name": "n"})
    assert asked is not None
    script = render(recipe, asked)
    (tmp_path / "script").write_text(script)
    environment = {
        "PATH": os.environ["PATH"],
        "FABRIEK_PROLOGUE": str(prologue),
        "FABRIEK_TEST_FOLDER": str(tmp_path),
    }
    done = subprocess.run(["bash", str(tmp_path / "script")], cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "arguments").read_text().splitlines()[:2] == ["-m", "fabriek_recipe.notebook"]


def test_a_program_that_fails_fails_the_job(tmp_path: Path) -> None:
    recipe = RECIPES["notebook"]
    asked, _ = check(recipe, {})
    assert asked is not None
    (tmp_path / "script").write_text(render(recipe, asked))
    environment = {"PATH": os.environ["PATH"], "FABRIEK_TORCH_PYTHON": "/bin/false"}
    done = subprocess.run(["bash", str(tmp_path / "script")], cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 1
    assert not list(tmp_path.glob("fabriek-recipe-*"))


@pytest.mark.parametrize(("nodes", "has_slurm"), [(1, True), (3, True), (3, False)])
def test_torchrun_is_started_once_on_every_node_or_alone(tmp_path: Path, nodes: int, has_slurm: bool) -> None:
    """With Slurm by srun, on a meeting place that Slurm itself knows; elsewhere all processes start on this machine."""
    programs = tmp_path / "bin"
    programs.mkdir()
    told = f"""#!/bin/bash
printf '%s\\n' "$(basename "$0") $*" >> "{tmp_path}/calls"
"""
    nodes_told = 'echo "NodeName=an1 NodeAddr=10.0.0.7 X=1"'
    knows = f'#!/bin/bash\ncase "$*" in *hostnames*) printf "an1\\nan2\\n" ;; *) {nodes_told} ;; esac\n'
    answers = {"python": told, "srun": told, "scontrol": knows}
    for name, text in answers.items():
        if has_slurm or name == "python":
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
    recipe = RECIPES["train-distributed"]
    asked, _ = check(recipe, {"nodes": nodes, "accelerators": 0, "cores": 4})
    assert asked is not None
    (tmp_path / "script").write_text(render(recipe, asked))
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin" if has_slurm else f"{programs}:{only_the_basics(tmp_path)}",
        "FABRIEK_TORCH_PYTHON": str(programs / "python"),
        "SLURM_JOB_ID": "41",
        "SLURM_JOB_NODELIST": "an[1-3]",
    }
    done = subprocess.run(["/bin/bash", str(tmp_path / "script")], cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    (call,) = (tmp_path / "calls").read_text().splitlines()
    if nodes > 1 and has_slurm:
        assert call.startswith(f"srun --nodes={nodes} --ntasks-per-node=1 ")
        assert f"--nnodes={nodes} --nproc-per-node=4 --rdzv-id=41 " in call
        assert "--rdzv-endpoint=10.0.0.7:20041 -m fabriek_recipe.train" in call
    else:
        assert call.startswith("python -m torch.distributed.run --standalone")
        assert f"--nproc-per-node={4 * nodes} " in call


def only_the_basics(folder: Path) -> Path:
    """What a script needs of a machine, and no Slurm."""
    basics = folder / "basics"
    basics.mkdir()
    for name in ("cat", "mkdir", "rm", "date", "basename"):
        (basics / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    return basics
