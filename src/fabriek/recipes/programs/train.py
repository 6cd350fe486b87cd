"""Trains the small language model: from scratch, or on from a checkpoint; in one process, or in many under torchrun.

    python -m fabriek_recipe.train PARAMETERS.json
    python -m torch.distributed.run --nproc-per-node 4 -m fabriek_recipe.train PARAMETERS.json

In many processes each learns from other places of the text, and gradients are averaged (DistributedDataParallel). It
ends after `steps`, or before the time limit, or when it is told to (SIGTERM), and keeps what it has learned.
"""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from . import records, texts
from .model import SIZES, Model, half, here, load, loss_of, name_of, save, tensor_of, write
from .settings import Clock, Trouble, folder, run, settings

JUDGE_EVERY = 10
"""The held-out part is looked at after each of so many parts of the run."""


def main() -> None:
    told, clock = settings(), None
    many = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    device = here()
    if many > 1:
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    clock = Clock(told["limit_seconds"])
    try:
        _train(told, clock, device, rank, many)
    finally:
        if many > 1:
            dist.destroy_process_group()


def _train(told: dict[str, Any], clock: Clock, device: torch.device, rank: int, many: int) -> None:
    torch.manual_seed(told["seed"])
    text = texts.text_of(told)
    start = told.get("checkpoint")
    if start:
        model = load(Path(start["path"]), start["sha256"], device)
    else:
        model = Model(SIZES[told["size"]]).to(device)
    context = model.shape.context
    learned, judged = tensor_of(text.learned), tensor_of(text.held_out)
    if len(judged) <= context + 1:
        raise Trouble(
            f"The text holds {len(text.content)} bytes: too few for this size. Take more, or a smaller model."
        )
    record = _record(told, text, model, device, many)
    trained: nn.Module = model
    if many > 1:
        trained = nn.parallel.DistributedDataParallel(
            model, device_ids=[device.index] if device.index is not None else None
        )
    optimiser = torch.optim.AdamW(trained.parameters(), lr=told["learning_rate"], betas=(0.9, 0.95), weight_decay=0.1)
    draw = torch.Generator().manual_seed(told["seed"] * 1_000 + rank)
    steps, first, loss = told["steps"], judge(model, judged, device), math.nan
    if rank == 0:
        record.metrics["validation_loss_first"] = first
        record.point("validation loss", 0, first)
        print(f"before: validation loss {first:.4f}", flush=True)
    began, step = time.monotonic(), 0
    for step in range(1, steps + 1):
        trained.train()
        for group in optimiser.param_groups:
            group["lr"] = told["learning_rate"] * _rate(step, steps)
        batch = _batch(learned, told["batch"], context, draw, device)
        with half(device):
            one = loss_of(trained, batch)
        optimiser.zero_grad(set_to_none=True)
        one.backward()
        nn.utils.clip_grad_norm_(trained.parameters(), 1.0)
        optimiser.step()
        over = _all_agree(clock.is_over(), device, many)
        if rank == 0:
            loss = one.item()
            record.point("training loss", step, loss)
            record.metrics["steps"] = step
            if not over and step < steps and step % max(1, steps // JUDGE_EVERY) == 0:
                _look(record, model, judged, device, step, steps, loss)
            record.goes_on()
        if over:
            break
    if rank == 0:
        _end(told, record, model, judged, step, time.monotonic() - began, many)


def _record(told: dict[str, Any], text: texts.Text, model: Model, device: torch.device, many: int) -> records.Record:
    record = records.Record("model", told["name"], told["code"])
    record.datasets = [text.described()]
    if told.get("checkpoint"):
        record.inputs = [{**told["checkpoint"], "kind": "checkpoint"}]
    record.metrics["parameters"] = model.parameters_count
    record.environment |= {"torch": torch.__version__, "device": name_of(device), "processes": str(many)}
    return record


def _look(
    record: records.Record, model: Model, judged: Tensor, device: torch.device, step: int, steps: int, loss: float
) -> None:
    """How it does on the part that it doesn't learn from."""
    now = judge(model, judged, device)
    record.point("validation loss", step, now)
    record.metrics["validation_loss"] = now
    print(f"step {step} of {steps}: training loss {loss:.4f}, validation loss {now:.4f}", flush=True)


def _end(
    told: dict[str, Any], record: records.Record, model: Model, judged: Tensor, step: int, seconds: float, many: int
) -> None:
    """Keep it all. Who was told to stop may be killed at any line from here on: what is worth most comes first."""
    tokens = step * told["batch"] * model.shape.context * many
    record.metrics |= {
        "tokens": tokens,
        "tokens_per_second": tokens / max(seconds, 1e-9),
        "training_seconds": seconds,
    }
    path = folder() / "checkpoint.pt"
    save(model, path, steps=step, name=told["name"])
    record.output(path, "checkpoint", "tensors and shape, to be read with torch.load(weights_only=True)")
    record.summary = f"{model.parameters_count:,} parameters, stopped after {step} steps, {tokens:,} bytes."
    record.ends()
    print(f"The checkpoint is {path}", flush=True)
    last = judge(model, judged, here())
    record.point("validation loss", step, last)
    record.metrics |= {
        "validation_loss": last,
        "perplexity": math.exp(min(last, 50)),
        "bits_per_byte": last / math.log(2),
    }
    record.summary = (
        f"{model.parameters_count:,} parameters, {step} steps, {tokens:,} bytes: validation loss "
        f"{record.metrics['validation_loss_first']:.3f} to {last:.3f}."
    )
    record.ends()
    sample = write(model, b"In ", 200, seed=told["seed"]).decode("utf-8", errors="replace")
    (folder() / "sample.txt").write_text("In " + sample, encoding="utf-8")
    record.output(folder() / "sample.txt", "text", "what the model writes after the word In")
    record.ends()
    print(record.summary, f"A sample: In {sample}", sep="\n", flush=True)


def _rate(step: int, steps: int) -> float:
    """Rises over the first twentieth, then falls as a cosine to a tenth."""
    rise = max(1, steps // 20)
    if step < rise:
        return step / rise
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _batch(text: Tensor, many: int, context: int, draw: torch.Generator, device: torch.device) -> Tensor:
    starts = torch.randint(len(text) - context - 1, (many,), generator=draw)
    return torch.stack([text[start : start + context + 1] for start in starts]).long().to(device)


@torch.no_grad()
def judge(model: Model, text: Tensor, device: torch.device, most: int = 64) -> float:
    """Mean loss per byte over the held-out text: over at most so many windows, evenly spread, always the same."""
    model.eval()
    context = model.shape.context
    starts = torch.linspace(0, len(text) - context - 1, min(most, max(1, len(text) // context))).long()
    windows = torch.stack([text[start : start + context + 1] for start in starts]).long()
    with half(device):
        losses = [loss_of(model, some.to(device)).item() * len(some) for some in windows.split(32)]
    return sum(losses) / len(windows)


def _all_agree(over: bool, device: torch.device, many: int) -> bool:
    """One process that has to stop stops all: none may wait for gradients of one that has gone."""
    if many == 1:
        return over
    said = torch.tensor([float(over)], device=device)
    dist.all_reduce(said, op=dist.ReduceOp.MAX)
    return bool(said.item())


if __name__ == "__main__":
    run(main)
