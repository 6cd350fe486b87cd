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
        ("--array=1-10", "array"), ("-a 1-10", "array"), ("--nonsense", "nonsense"), ("-t soon", "soon"),
        ("--gres=disk:1", "disk"), ("-N 0", "0"), ('--job-name="x', "quotation"), ("stray", "stray"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_line(line, word):
    with pytest.raises(DirectiveError) as refusal:
        read_directives(script("#SBATCH -t 5", f"#SBATCH {line}"))
    assert str(refusal.value).startswith("Line 3:")
    assert word in str(refusal.value)


def test_a_script_without_its_interpreter_is_refused():
    with pytest.raises(DirectiveError, match="Line 1"):
        read_directives("sleep 1\n")
