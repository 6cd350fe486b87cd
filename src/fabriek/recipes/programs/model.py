"""A small language model over bytes: a decoder as in GPT-2, in plain PyTorch, with its checkpoints.

Bytes need no tokenizer and know every language. Checkpoints hold tensors and plain values alone and are read with
`weights_only`: a file that somebody else made runs no code here.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .settings import Trouble

FORMAT = "fabriek/checkpoint/1"
VOCABULARY = 256


@dataclass(frozen=True)
class Shape:
    """How large a model is."""

    layers: int
    width: int
    heads: int
    context: int


SIZES = {
    "tiny": Shape(layers=2, width=64, heads=4, context=64),
    "small": Shape(layers=6, width=256, heads=8, context=256),
    "medium": Shape(layers=12, width=512, heads=8, context=512),
    "large": Shape(layers=12, width=768, heads=12, context=1024),
}


class Block(nn.Module):
    """Attention to what came before, then two layers of its own."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.first, self.second = nn.LayerNorm(shape.width), nn.LayerNorm(shape.width)
        self.attend = nn.Linear(shape.width, 3 * shape.width)
        self.mix = nn.Linear(shape.width, shape.width)
        self.think = nn.Sequential(
            nn.Linear(shape.width, 4 * shape.width), nn.GELU(), nn.Linear(4 * shape.width, shape.width)
        )

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        parts = self.attend(self.first(x)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mix(seen.transpose(1, 2).reshape(batch, length, width))
        return x + self.think(self.second(x))


class Model(nn.Module):
    """Says of each place which byte comes next."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.bytes = nn.Embedding(VOCABULARY, shape.width)
        self.places = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _layer in range(shape.layers))
        self.last = nn.LayerNorm(shape.width)
        self.apply(_begin)

    def forward(self, x: Tensor) -> Tensor:
        """x: bytes, (batch, length). Returns scores, (batch, length, 256)."""
        hidden = self.bytes(x) + self.places(torch.arange(x.shape[1], device=x.device))
        for block in self.blocks:
            hidden = block(hidden)
        # The same table in and out, as GPT-2.
        return functional.linear(self.last(hidden), self.bytes.weight)

    @property
    def parameters_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


def _begin(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def loss_of(model: nn.Module, batch: Tensor) -> Tensor:
    """Mean loss per byte, in nats. batch: (many, length + 1)."""
    scores = model(batch[:, :-1])
    return functional.cross_entropy(scores.reshape(-1, VOCABULARY), batch[:, 1:].reshape(-1))


def tensor_of(content: bytes) -> Tensor:
    """A text as bytes."""
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def here() -> torch.device:
    """The accelerator of this process where there is one, else the processor."""
    import os

    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(device)
        return device
    return torch.device("cpu")


def half(device: torch.device) -> Any:
    """Arithmetic in bfloat16 where the accelerator has it."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def name_of(device: torch.device) -> str:
    """The device in words."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"


def save(model: Model, path: Path, **about: Any) -> None:
    """Write a checkpoint, whole or not at all."""
    partial = path.with_suffix(".partial")
    state = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    torch.save({"format": FORMAT, "shape": asdict(model.shape), "model": state, **about}, partial)
    partial.replace(path)


def load(path: Path, digest: str, device: torch.device) -> Model:
    """Read a checkpoint that has this digest (SHA-256; "" for any). Errors: Trouble."""
    try:
        with path.open("rb") as file:
            is_ = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Trouble(
            f"The checkpoint {path} can't be read here: {error.strerror}. It was made at a site, and lies there until "
            "somebody removes it; run this recipe on a partition of that site."
        ) from error
    if digest and is_ != digest:
        raise Trouble(
            f"The checkpoint {path} is not the one that was registered: SHA-256 {is_[:12]}…, not {digest[:12]}…. "
            "Somebody wrote over it; train again, or put the first one back."
        )
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        if found["format"] != FORMAT:
            raise KeyError("format")
        model = Model(Shape(**found["shape"]))
        model.load_state_dict(found["model"])
    except Exception as error:
        raise Trouble(f"{path} is no checkpoint of these recipes ({type(error).__name__}: {error}).") from error
    return model.to(device)


@torch.no_grad()
def write(model: Model, prompt: bytes, many: int, *, temperature: float = 0.8, seed: int | None = None) -> bytes:
    """Go on with a text, for so many bytes."""
    device = next(model.parameters()).device
    draw = torch.Generator().manual_seed(seed) if seed is not None else None
    text = list(prompt or b"\n")
    model.eval()
    for _byte in range(many):
        seen = torch.tensor([text[-model.shape.context :]], device=device)
        scores = model(seen)[0, -1].float().cpu()
        if temperature <= 0:
            text.append(int(scores.argmax()))
        else:
            chances = torch.softmax(scores / temperature, dim=0)
            text.append(int(torch.multinomial(chances, 1, generator=draw)))
    return bytes(text[len(prompt or b"\n") :])
