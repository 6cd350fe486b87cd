"""What a batch script may ask, and what is refused with its line."""

from __future__ import annotations

import pytest

from fabriek.compute.directives import DirectiveError, read_directives, seconds_of_limit


def script(*lines: str) -> str:
    return "\n".join(["#!/bin/bash", *lines, "true", ""])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 1800), ("1:30", 90), ("0:05", 5), ("2:00:00", 7200), ("1-2", 93600), ("1-2:30", 95400),
        ("1-0:0:1", 86401),
    ],
)  # fmt: skip
def test_every_form_of_a_slurm_time_limit_is_read(text, seconds):
    assert seconds_of_limit(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "soon", "1:2:3:4", "-1", "1-", "UNLIMITED", "1.5"])
def test_what_is_no_time_limit_is_refused(text):
    with pytest.raises(DirectiveError):
        seconds_of_limit(text)


def test_long_and_short_forms_mean_the_same():
    long = script(
        "#SBATCH --job-name=x --account=p --partition=gpu --nodes=2 --ntasks=4 --cpus-per-task=8 --gpus=4 --time=10",
        "#SBATCH --output=a --error=b",
    )
    short = script("#SBATCH -J x -A p -p gpu -N 2 -n 4 -c 8 -G 4 -t 10 -o a -e b")
    assert read_directives(long) == read_directives(short)
    asked = read_directives(long)
    assert (asked.cores, asked.accelerators, asked.accelerator_seconds) == (32, 4, 2400)


@pytest.mark.parametrize("line", ["--gres=gpu:4", "--gres=gpu:h100:4", "--gpus-per-node=4", "--gpus-per-node=h100:4"])
def test_gpus_of_a_node_count_on_each_node(line):
    assert read_directives(script(f"#SBATCH -N 3 {line}")).accelerators == 12


def test_directives_after_the_first_command_are_not_read():
    text = script("# a comment", "", "#SBATCH -t 5", "echo start", "#SBATCH --gpus=8 --nonsense")
    assert read_directives(text).accelerators == 0
    assert read_directives(text).time_limit == 300


def test_a_comment_behind_a_directive_is_not_read():
    assert read_directives(script("#SBATCH -t 5  # five minutes")).time_limit == 300


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("--array=1-x", "array"), ("-a 3-1", "array"), ("-a 1-10%0", "at once"), ("-a 1-10:0", "array"),
        ("-a 0-999999", "10,000 tasks"), ("-a 1-10%²", "at once"), ("--mem=much", "memory"),
        ("-t 999999-0", "ten years"),
        ("--nonsense", "nonsense"), ("-t soon", "soon"),
        ("--gres=disk:1", "disk"), ("-N 0", "0"), ('--job-name="x', "quotation"), ("stray", "stray"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_line(line, word):
    with pytest.raises(DirectiveError) as refusal:
        read_directives(script("#SBATCH -t 5", f"#SBATCH {line}"))
    assert str(refusal.value).startswith("Line 3:")
    assert word in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "numbers", "at_once"),
    [
        ("0-3", (0, 1, 2, 3), None), ("7", (7,), None), ("1,5,3-4", (1, 3, 4, 5), None), ("0-9:4", (0, 4, 8), None),
        ("1-3%2", (1, 2, 3), 2), ("2,2,1", (1, 2), None),
    ],
)  # fmt: skip
def test_every_form_of_a_job_array_is_read(text, numbers, at_once):
    array = read_directives(script(f"#SBATCH --array={text}")).array
    assert array is not None
    assert (array.numbers, array.at_once) == (numbers, at_once)


def test_an_array_could_use_what_all_its_tasks_could():
    asked = read_directives(script("#SBATCH --array=1-10%2 --gpus=2 -c 4 --time=60"))
    assert (asked.runs, asked.accelerator_seconds, asked.core_seconds) == (10, 72_000, 144_000)


@pytest.mark.parametrize(
    ("line", "mebibytes"),
    [
        ("--mem=4G", 4096), ("--mem=500", 500), ("-N 2 --mem=1g", 2048), ("-n 4 -c 2 --mem-per-cpu=512M", 4096),
        ("--gpus=2 --mem-per-gpu=1T", 2 * 1024 * 1024),
    ],
)  # fmt: skip
def test_memory_is_read_over_all_nodes(line, mebibytes):
    assert read_directives(script(f"#SBATCH {line}")).memory_bytes == mebibytes * 1024 * 1024


def test_all_of_a_nodes_memory_is_an_amount_that_is_not_known():
    assert read_directives(script("#SBATCH --mem=0")).memory_bytes is None


@pytest.mark.parametrize("line", ["--gpus=9999999", "-n 100000 -c 100000", "-N 9999 --gpus-per-node=999"])
def test_what_no_machine_has_is_refused(line):
    with pytest.raises(DirectiveError, match="No machine has"):
        read_directives(script(f"#SBATCH {line}"))


def test_a_script_without_its_interpreter_is_refused():
    with pytest.raises(DirectiveError, match="Line 1"):
        read_directives("sleep 1\n")
