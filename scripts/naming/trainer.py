"""The network: hashed features of ten tokens around a place, one hidden layer, one score; trained on whole numbers' grid."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from certtrace.redaction.recognize.features import BITS, PADDING, Lists, Reading, read
from certtrace.redaction.recognize.tokens import pieces
from certtrace.redaction.recognize.weights import AFTER, BEFORE, GRID, LIMIT, Weights
from naming.corpora import Sample

WINDOW = BEFORE + 1 + AFTER


@dataclass
class Types:
    """Every distinct token of the training texts, read once."""

    lists: Lists
    ids: dict[str, int] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)

    def id(self, token: str) -> int:
        number = self.ids.get(token)
        if number is None:
            number = self.ids[token] = len(self.readings)
            self.readings.append(read(token, self.lists))
        return number


@dataclass
class Places:
    """All candidates of the training texts: windows of token numbers, labels and weights."""

    windows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def gather(samples: Iterable[Sample], types: Types) -> Places:
    """Return the candidates of all samples."""
    padding = types.id(PADDING)
    stream: list[int] = [padding] * BEFORE
    at: list[int] = []
    labels: list[float] = []
    weights: list[float] = []
    for sample in samples:
        people = _cover(sample.text, sample.spans)
        hidden = _cover(sample.text, sample.hidden)
        place = 0
        for piece in pieces(sample.text):
            for token in piece:
                start = place + (token[0] == " " and len(token) > 1)
                place += len(token)
                number = types.id(token)
                if types.readings[number].candidate and not hidden[start]:
                    at.append(len(stream))
                    labels.append(float(people[start:place].sum() * 2 > place - start))
                    weights.append(sample.weight)
                stream.append(number)
        stream += [padding] * max(BEFORE, AFTER)
    numbers = np.array(stream, dtype=np.int32)
    windows = numbers[np.array(at)[:, None] + np.arange(-BEFORE, AFTER + 1)]
    return Places(windows, np.array(labels, np.float32), np.array(weights, np.float32))


def _cover(text: str, spans: list[tuple[int, int]]) -> np.ndarray:
    cover = np.zeros(len(text) + 1, dtype=bool)
    for start, end in spans:
        cover[start:end] = True
    return cover


def _on_grid(values: torch.Tensor, limit: float = LIMIT / GRID) -> torch.Tensor:
    """Round to the grid of whole numbers; the gradient passes as if nothing happened."""
    held = values.clamp(-limit, limit)
    return held + ((held * GRID).round() / GRID - held).detach()


class Network(nn.Module):
    """The model in the form it is trained in."""

    def __init__(self, width: int, hidden: int, blind: float, drop: float) -> None:
        super().__init__()
        self.blind = blind
        self.drop = drop
        self.table = nn.Parameter(torch.randn((1 << BITS) + 1, width) * 0.08)
        self.first = nn.Linear(WINDOW * width, hidden)
        self.last = nn.Linear(hidden, 1)
        with torch.no_grad():
            self.table[-1] = 0.0

    def forward(self, buckets: torch.Tensor, kept: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
        tokens = nn.functional.embedding_bag(buckets, _on_grid(self.table), mode="sum", per_sample_weights=kept)
        seen = tokens.clamp(-LIMIT / GRID, LIMIT / GRID)[windows]
        if self.training:
            seen = seen * (torch.rand(seen.shape[:2]) >= self.blind)[..., None]
        hidden = torch.relu(nn.functional.linear(seen.flatten(1), _on_grid(self.first.weight), self.first.bias))
        hidden = nn.functional.dropout(hidden, self.drop, self.training)
        return nn.functional.linear(hidden, _on_grid(self.last.weight), self.last.bias)[:, 0]


@dataclass
class Plan:
    """How to train."""

    seed: int = 7
    width: int = 32
    hidden: int = 64
    epochs: int = 4
    batch: int = 4096
    rate: float = 0.004
    forget: float = 0.3
    """Share of word-bound features hidden at random, so that letters and context are learned as well."""
    blind: float = 0.04
    """Share of tokens hidden from a window."""
    drop: float = 0.15
    """Share of hidden units that rest."""


def _padded(readings: list[Reading]) -> tuple[np.ndarray, np.ndarray]:
    longest = max(len(reading.buckets) for reading in readings)
    buckets = np.full((len(readings), longest), 1 << BITS, dtype=np.int32)
    optional = np.zeros((len(readings), longest), dtype=bool)
    for number, reading in enumerate(readings):
        buckets[number, : len(reading.buckets)] = reading.buckets
        optional[number, : reading.optional] = True
    return buckets, optional


def train(places: Places, types: Types, plan: Plan, say: object = print) -> Network:
    """Train a network; the same seed on one thread gives the same weights."""
    torch.manual_seed(plan.seed)
    torch.set_num_threads(1)
    chance = np.random.default_rng(plan.seed)
    buckets, optional = _padded(types.readings)
    network = Network(plan.width, plan.hidden, plan.blind, plan.drop)
    optimizer = torch.optim.Adam(network.parameters(), lr=plan.rate)
    steps = plan.epochs * -(-len(places.labels) // plan.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.rate, total_steps=steps + 1, pct_start=0.1)
    for epoch in range(plan.epochs):
        total = 0.0
        order = chance.permutation(len(places.labels))
        for begin in range(0, len(order), plan.batch):
            chosen = order[begin : begin + plan.batch]
            unique, windows = np.unique(places.windows[chosen], return_inverse=True)
            hide = chance.random(buckets[unique].shape) < plan.forget
            hide |= chance.random((len(unique), 1)) < plan.forget * 0.6
            kept = torch.from_numpy(~(hide & optional[unique])).float()
            scores = network(
                torch.from_numpy(buckets[unique]).long(), kept, torch.from_numpy(windows.reshape(len(chosen), WINDOW))
            )
            labels = torch.from_numpy(places.labels[chosen])
            loss = nn.functional.binary_cross_entropy_with_logits(
                scores, labels * 0.98 + 0.01, weight=torch.from_numpy(places.weights[chosen])
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(chosen)
        say(f"  epoch {epoch + 1}: loss {total / len(order):.4f}")
    return network


def quantised(network: Network, lists: Lists, provenance: dict) -> Weights:
    """Return the network in whole numbers, as the model file holds it."""

    def whole(values: torch.Tensor, limit: int = LIMIT) -> np.ndarray:
        return (values.detach().double() * GRID).round().clamp(-limit, limit).numpy().astype(np.int8)

    width = network.table.shape[1]
    bias = (network.first.bias.detach().double() * GRID**2).round().long().tolist()
    last = (network.last.weight.detach().double() * GRID).round().clamp(-LIMIT, LIMIT).long()[0].tolist()
    return Weights(
        width=width,
        hidden=len(bias),
        table=whole(network.table[:-1]).tobytes(),
        first=whole(network.first.weight).tobytes(),
        first_bias=tuple(bias),
        last=tuple(last),
        last_bias=int((network.last.bias.detach().double() * GRID**3).round()),
        lists=lists,
        provenance=provenance,
    )
