"""Judges a checkpoint by a text that it has not seen: loss, perplexity, how often the next byte is foreseen.

    python -m fabriek_recipe.evaluate PARAMETERS.json

Beside it stands what needs no model at all: guessing by how often each byte occurs in the part to train on.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from . import records, texts
from .model import VOCABULARY, Model, half, here, load, name_of, tensor_of, write
from .settings import Clock, Trouble, folder, run, settings


def main() -> None:
    told = settings()
    clock, device = Clock(told["limit_seconds"]), here()
    text = texts.text_of(told)
    start = told["checkpoint"]
    model = load(Path(start["path"]), start["sha256"], device)
    record = records.Record("evaluation", told["name"], told["code"])
    record.datasets = [text.described()]
    record.inputs = [{**start, "kind": "checkpoint"}]
    record.environment |= {"torch": torch.__version__, "device": name_of(device)}
    record.metrics |= _judged(model, tensor_of(text.held_out), told["windows"], clock, device, record)
    record.metrics["loss_without_a_model"] = _by_frequency(tensor_of(text.learned), tensor_of(text.held_out))
    sample = write(model, told["prompt"].encode(), 200, seed=told["seed"]).decode("utf-8", errors="replace")
    path = folder() / "sample.txt"
    path.write_text(told["prompt"] + sample, encoding="utf-8")
    record.output(path, "text", "what the model writes after the prompt")
    record.summary = (
        f"Loss {record.metrics['loss']:.3f} per byte, perplexity {record.metrics['perplexity']:.2f}, "
        f"{record.metrics['accuracy']:.1%} of the bytes foreseen; without a model the loss is "
        f"{record.metrics['loss_without_a_model']:.3f}."
    )
    record.ends()
    print(record.summary, f"A sample: {told['prompt']}{sample}", sep="\n", flush=True)


@torch.no_grad()
def _judged(
    model: Model, text: Tensor, most: int, clock: Clock, device: torch.device, record: records.Record
) -> dict[str, float]:
    context = model.shape.context
    if len(text) <= context + 1:
        raise Trouble(f"The held-out text has {len(text)} bytes; more than {context + 1} are needed to judge by.")
    model.eval()
    starts = torch.linspace(0, len(text) - context - 1, min(most, max(1, len(text) // context))).long().unique()
    loss = right = seen = 0.0
    for number, some in enumerate(starts.split(32), start=1):
        batch = torch.stack([text[start : start + context + 1] for start in some]).long().to(device)
        with half(device):
            scores = model(batch[:, :-1])
        wanted = batch[:, 1:].reshape(-1)
        loss += functional.cross_entropy(scores.reshape(-1, VOCABULARY).float(), wanted, reduction="sum").item()
        right += (scores.reshape(-1, VOCABULARY).argmax(dim=1) == wanted).sum().item()
        seen += wanted.numel()
        record.point("loss", seen, loss / seen, of="bytes")
        record.goes_on()
        if clock.is_over():
            print(f"The time is over: judged by {number} of {math.ceil(len(starts) / 32)} parts.", flush=True)
            break
    mean = loss / seen
    return {
        "loss": mean,
        "perplexity": math.exp(min(mean, 50)),
        "bits_per_byte": mean / math.log(2),
        "accuracy": right / seen,
        "bytes": seen,
        "parameters": model.parameters_count,
    }


def _by_frequency(learned: Tensor, judged: Tensor) -> float:
    """Mean loss of guessing each byte as often as it occurs; every byte is given one occurrence."""
    often = torch.bincount(learned.long(), minlength=VOCABULARY).float() + 1
    return float(-(often / often.sum()).log()[judged.long()].mean())


if __name__ == "__main__":
    run(main)
