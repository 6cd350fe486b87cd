"""The configuration files of a bed, as text. Why each key: docs/how-to/slurm.md and https://slurm.schedmd.com/slurm.conf.html."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fabriek.demo.slurm.shape import Cluster, Node

CGROUP_CONF = "CgroupAutomount=no\nConstrainCores=no\nConstrainDevices=no\nConstrainRAMSpace=no\n"


@dataclass(frozen=True)
class Ground:
    """What all clusters of a bed share."""

    folder: Path
    host: str
    user: str
    munge_socket: Path
    jwt_key: Path
    dbd_port: int


def slurm_conf(cluster: Cluster, ground: Ground, ctld_port: int, node_ports: dict[str, int], job_age: int) -> str:
    """One cluster's slurm.conf. Times are short, so that what follows from a change is seen within seconds."""
    own = ground.folder / cluster.name
    tres = ",".join(["gres/gpu", *(f"gres/gpu:{model}" for model in cluster.gpu_types)])
    lines = [
        f"ClusterName={cluster.name}",
        # The name must be the machine's own, the address needn't.
        f"SlurmctldHost={ground.host}(127.0.0.1)",
        f"SlurmctldPort={ctld_port}",
        f"SlurmUser={ground.user}",
        f"SlurmdUser={ground.user}",
        *_authentication(ground),
        "CredType=cred/munge",
        # Without these the daemons listen on all addresses.
        "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny",
        f"StateSaveLocation={own}/state",
        f"SlurmdSpoolDir={own}/spool/%n",
        f"SlurmctldPidFile={own}/slurmctld.pid",
        f"SlurmdPidFile={own}/slurmd-%n.pid",
        f"SlurmctldLogFile={own}/log/slurmctld.log",
        f"SlurmdLogFile={own}/log/slurmd-%n.log",
        "ProctrackType=proctrack/linuxproc",
        "TaskPlugin=task/none",
        "JobAcctGatherType=jobacct_gather/linux",
        "JobAcctGatherFrequency=task=1",
        "SwitchType=switch/none",
        "MpiDefault=none",
        "MailProg=/bin/true",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_Core_Memory",
        # Nodes may claim more than the machine has without being drained.
        "SlurmdParameters=config_overrides",
        "SchedulerType=sched/backfill",
        "SchedulerParameters=bf_interval=2,sched_interval=2,sched_min_interval=0,batch_sched_delay=0,bf_window=10080",
        "ReturnToService=2",
        "SlurmctldTimeout=30",
        "SlurmdTimeout=30",
        "MessageTimeout=20",
        "InactiveLimit=0",
        "KillWait=2",
        f"MinJobAge={job_age}",
        "MaxJobCount=50000",
        "MaxArraySize=20001",
        "PriorityType=priority/multifactor",
        "PriorityWeightFairshare=100000",
        "PriorityWeightQOS=10000",
        "PriorityWeightAge=1000",
        "PriorityCalcPeriod=1",
        "PriorityDecayHalfLife=7-0",
        f"AccountingStorageTRES={tres}" if cluster.gpu_types else "",
        "AccountingStorageType=accounting_storage/slurmdbd",
        "AccountingStorageHost=127.0.0.1",
        f"AccountingStoragePort={ground.dbd_port}",
        # Clients find munge by this when they talk to slurmdbd, not by AuthInfo.
        f"AccountingStoragePass={ground.munge_socket}",
        # safe: a job whose limit could pass the budget does not start, as an award means it.
        "AccountingStorageEnforce=associations,limits,qos,safe",
        "AccountingStoreFlags=job_comment",
        "GresTypes=gpu" if cluster.gpu_types else "",
    ]
    for node in cluster.nodes:
        gres = f" Gres=gpu:{node.gpu_type}:{node.gpus}" if node.gpus else ""
        lines.append(
            f"NodeName={node.name} NodeHostname={ground.host} NodeAddr=127.0.0.1 Port={node_ports[node.name]} "
            f"CPUs={node.cores} RealMemory={node.memory_mb}{gres} State=UNKNOWN"
        )
    for place, (name, nodes) in enumerate(cluster.partition_nodes.items()):
        default = "YES" if place == 0 else "NO"
        lines.append(
            f"PartitionName={name} Nodes={','.join(node.name for node in nodes)} Default={default} MaxTime=7-0 "
            f"DefaultTime=60 DefMemPerCPU=1024 OverSubscribe=NO State=UP"
        )
    return "\n".join(line for line in lines if line) + "\n"


def gres_conf(cluster: Cluster, devices: Path) -> str:
    """GPUs are device files. Slurm refuses plain files; a symbolic link to a device that exists is enough."""
    return "".join(
        f"NodeName={node.name} Name=gpu Type={node.gpu_type} File={devices}/gpu{_range(node)}\n"
        for node in cluster.nodes
        if node.gpus
    )


def _range(node: Node) -> str:
    return f"[0-{node.gpus - 1}]" if node.gpus > 1 else "0"


def slurmdbd_conf(ground: Ground, password: str) -> str:
    """slurmdbd.conf. No CommitDelay: it answers before it has committed, and a crash would lose what it answered."""
    own = ground.folder / "dbd"
    lines = [
        *_authentication(ground),
        "CommunicationParameters=NoInAddrAny",
        "DbdAddr=127.0.0.1",
        "DbdHost=localhost",
        f"DbdPort={ground.dbd_port}",
        f"SlurmUser={ground.user}",
        f"PidFile={own}/slurmdbd.pid",
        f"LogFile={own}/slurmdbd.log",
        "DebugLevel=info",
        "StorageType=accounting_storage/mysql",
        # localhost is the Unix socket of MYSQL_UNIX_PORT: the database listens on no port.
        "StorageHost=localhost",
        "StorageUser=slurm",
        f"StoragePass={password}",
        "StorageLoc=slurm_acct",
    ]
    return "\n".join(lines) + "\n"


def _authentication(ground: Ground) -> list[str]:
    lines = ["AuthType=auth/munge", f"AuthInfo=socket={ground.munge_socket}"]
    if ground.jwt_key.exists():
        lines += ["AuthAltTypes=auth/jwt", f"AuthAltParameters=jwt_key={ground.jwt_key}"]
    return lines
