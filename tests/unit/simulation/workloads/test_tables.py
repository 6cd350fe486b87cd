"""Traces of GPU clusters as tables, in CSV and in Parquet. The lines are the files' own, or made up as told."""

from __future__ import annotations

import builtins
import gzip
import io
from pathlib import Path
from typing import Any

import pytest

from fabriek.simulation.workloads.alibaba import SHARED, read_alibaba, read_alibaba_nodes
from fabriek.simulation.workloads.reading import read_trace, trace_in
from fabriek.simulation.workloads.table import table_of
from fabriek.simulation.workloads.trace import NEVER_RAN, NO_ESTIMATE, NO_SUBMIT, UNSORTED, WorkloadBroken

# Microsoft's Philly traces (https://github.com/msr-fiddle/philly-traces, CC-BY-4.0), as petuum/adaptdl tabulated them.
PHILLY = """timestamp,duration,num_gpus,gpu_time,cluster
2017-10-09 07:01:55,66.0,1,66.0,11cb48
2017-10-09 06:13:03,2951.0,1,2951.0,6214e9
2017-10-07 01:11:39,193256.0,8,1546048.0,ee9e8c
"""
# Made up, with the columns of Alibaba's cluster-trace-gpu-v2023.
PODS = """name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
pod-0,12000,16384,1,1000,,LS,Running,0,1200,0
pod-1,3152,5600,1,460,,BE,Failed,100,700,160
pod-2,88000,327680,8,1000,V100M16|V100M32,LS,Succeeded,200,900,200
pod-3,4000,16384,1,1000,,LS,Pending,300,900,
"""
NODES = "sn,cpu_milli,memory_mib,gpu,model\nnode-0,96000,393216,8,G2\nnode-1,64000,262144,2,P100\n"


def parquet_of(text: str) -> bytes:
    csv = pytest.importorskip("pyarrow.csv")
    parquet = pytest.importorskip("pyarrow.parquet")
    sink = io.BytesIO()
    parquet.write_table(csv.read_csv(io.BytesIO(text.encode())), sink)
    return sink.getvalue()


def test_philly_s_jobs_are_gpus_of_virtual_clusters():
    trace = trace_in(PHILLY.encode())
    jobs = trace.jobs
    assert trace.format == "philly"
    assert jobs.number.tolist() == [3, 2, 1]
    assert jobs.submit.tolist() == [0, 190884, 193816]
    assert jobs.run.tolist() == jobs.estimate.tolist() == [193256, 2951, 66]
    assert jobs.gpus.tolist() == jobs.processors.tolist() == [8, 1, 1]
    assert [jobs.accounts[place] for place in jobs.account] == ["ee9e8c", "6214e9", "11cb48"]
    assert trace.start == 1507338699
    assert trace.repairs.repaired == {NO_ESTIMATE: 3, UNSORTED: 2}


def test_alibaba_s_pods_share_gpus_in_whole_ones_or_in_thousandths():
    trace = trace_in(PODS.encode())
    assert trace.format == "alibaba"
    assert trace.jobs.processors.tolist() == [12, 4, 88]
    assert trace.jobs.gpus.tolist() == [1, 1, 8]
    assert trace.jobs.run.tolist() == [1200, 540, 700]
    assert trace.waits is not None
    assert trace.waits.tolist() == [0, 60, 0]
    assert [trace.jobs.qoses[place] for place in trace.jobs.qos] == ["LS", "BE", "LS"]
    assert [trace.jobs.partitions[place] for place in trace.jobs.partition] == ["", "", "V100M16|V100M32"]
    assert trace.repairs.repaired == {SHARED: 1, NO_ESTIMATE: 3}
    assert [(one.number, one.reason) for one in trace.repairs.skipped] == [(4, NEVER_RAN)]
    exact = read_alibaba(table_of(PODS.encode()), gpu_parts=1000)
    assert exact.jobs.gpus.tolist() == [1000, 460, 8000]
    assert SHARED not in exact.repairs.repaired


def test_alibaba_s_nodes_are_a_list_of_their_own():
    nodes = read_alibaba_nodes(table_of(NODES.encode()))
    assert (nodes.name, nodes.model) == (("node-0", "node-1"), ("G2", "P100"))
    assert (nodes.cores.tolist(), nodes.gpus.tolist(), nodes.memory.tolist()) == ([96, 64], [8, 2], [393216, 262144])
    with pytest.raises(WorkloadBroken, match="lists the nodes of a cluster"):
        trace_in(NODES.encode())


@pytest.mark.parametrize("text", [PHILLY, PODS])
def test_a_table_is_the_same_in_parquet_as_in_csv(text: str, tmp_path: Path):
    file = tmp_path / "trace"
    file.write_bytes(parquet_of(text))
    one, other = read_trace(file), trace_in(text.encode())
    for column in ("number", "submit", "run", "processors", "gpus", "account", "qos", "partition"):
        assert getattr(one.jobs, column).tolist() == getattr(other.jobs, column).tolist(), column
    assert one.jobs.partitions == other.jobs.partitions
    assert one.repairs == other.repairs


def test_a_damaged_parquet_file_is_refused():
    pytest.importorskip("pyarrow")
    with pytest.raises(WorkloadBroken, match="the Parquet file is damaged"):
        trace_in(parquet_of(PHILLY)[:-40])


def test_parquet_without_pyarrow_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(WorkloadBroken, match=r"pip install 'fabriek\[parquet\]'"):
        trace_in(b"PAR1....")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (PHILLY + "2017-10-09 07:01:55,66.0,1,66.0\n", 5, "4 values, and the first line names 5 columns"),
        (PHILLY.replace("2951.0,1", "long,1"), 3, "duration is 'long'; it must be a number"),
        (PHILLY.replace("66.0,1", "nan,1"), 2, "duration is 'nan'; it must be a number of at most"),
        (PHILLY.replace("66.0,1", "1e30,1"), 2, "duration is '1e30'; it must be a number of at most"),
        (PHILLY.replace("2017-10-07 01", "2017-13-07 01"), 4, "timestamp is '2017-13-07 01:11:39'; it must be like"),
        (PHILLY.splitlines()[0] + "\n", None, "no jobs"),
        (PHILLY + '"2017', 5, "can't be read as CSV"),
        (PODS.replace("12000", "many"), 2, "cpu_milli is 'many'"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(text: str, line: int | None, what: str):
    with pytest.raises(WorkloadBroken) as refused:
        trace_in(text.encode())
    assert refused.value.line == line
    assert what in str(refused.value)


def test_a_value_that_lacks_leaves_its_job_out():
    trace = trace_in(PHILLY.replace("2017-10-09 06:13:03", "").replace("66.0,1,", ",1,").encode())
    assert trace.jobs.number.tolist() == [3]
    assert [(one.number, one.reason) for one in trace.repairs.skipped] == [(2, NO_SUBMIT), (1, NEVER_RAN)]


def test_the_format_is_seen_by_what_is_in_the_file(tmp_path: Path):
    file = tmp_path / "anything.txt"
    swf = "1 0 5 100 8 -1 -1 8 600 -1 1 3 4 -1 1 -1 -1 -1\n"
    sacct = "JobID|Submit|Start|End|NCPUS\n1|10|20|30|4\n"
    for text, known in (
        (swf, "swf"),
        ("; a note\n" + swf, "swf"),
        (sacct, "sacct"),
        (PHILLY, "philly"),
        (PODS, "alibaba"),
    ):
        file.write_bytes(gzip.compress(text.encode()))
        assert read_trace(file).format == known


@pytest.mark.parametrize("content", [b"hello", b"a,b,c\n1,2,3\n", b"\x7fELF\x00\x01", b"{}", b"<html>"])
def test_an_unknown_file_is_told_what_is_known(content: bytes):
    with pytest.raises(WorkloadBroken) as refused:
        trace_in(content)
    for known in ("SWF", "sacct --parsable2", "Philly", "Alibaba"):
        assert known in str(refused.value)
