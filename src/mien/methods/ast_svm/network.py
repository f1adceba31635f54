"""AST: fusion attention, then two- and three-dimensional Inception, over flow and over differences; for an SVM."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from mien.core import MienError
from mien.nn.attention import AverageMaxMLP
from mien.nn.inception import Inception
from mien.training.augmentation import joint_affine

__all__ = ["AST", "ChannelAttention", "FusionAttention", "SpatialAttention", "ast_uv"]

STEPS = 10
POOLED = 32
GRIDS = (1, 2, 4, 8)
FLOW_MAPS = {"mag": 1, "uv": 2}  # per step
CHOICES = {
    "flow": tuple(FLOW_MAPS),
    "streams": ("both", "flow", "idsf"),
    "branches": ("both", "2d", "3d"),
    "attention": ("both", "channel", "spatial", "none"),
    "activation": ("softmax", "sigmoid"),
}


class ChannelAttention(nn.Module):
    """CAM (figure 3 b): weight the steps by their averages and maxima, after batch norm; the weights apply to x itself.

    Parameters
    ----------
    channels : int
        C, one per step. 135 parameters for 10.
    activation : {"softmax", "sigmoid"}
        Softmax over the channels, times C, so that the mean weight is 1; or a sigmoid.
    """

    def __init__(self, channels: int, activation: str = "softmax") -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.score = AverageMaxMLP(channels, ratio=2)
        self.activation = activation

    def weights(self, x: Tensor) -> Tensor:
        """Return weights (N, C, 1, 1) of x (N, C, H, W)."""
        return _activate(self.score(self.norm(x)), self.activation)[:, :, None, None]

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted maps, of the shape of x (N, C, H, W)."""
        return x * self.weights(x)


class SpatialAttention(nn.Module):
    """SAM (figure 3 a): weight the positions by the average and the maximum over the steps, each with its convolution.

    Parameters
    ----------
    channels : int
        C. 120 parameters for 10.
    activation : {"softmax", "sigmoid"}
        Softmax over the positions, times H * W, so that the mean weight is 1; or a sigmoid. A softmax over the one
        channel, as printed, would be 1 everywhere.
    """

    def __init__(self, channels: int, activation: str = "softmax") -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.average, self.maximum = (nn.Conv2d(1, 1, 7, padding=3) for _ in range(2))
        self.activation = activation

    def weights(self, x: Tensor) -> Tensor:
        """Return weights (N, 1, H, W) of x (N, C, H, W)."""
        normed = self.norm(x)
        scores = self.average(normed.mean(dim=1, keepdim=True)) + self.maximum(normed.amax(dim=1, keepdim=True))
        return _activate(scores.flatten(1), self.activation).view_as(scores)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted maps, of the shape of x (N, C, H, W)."""
        return x * self.weights(x)


class FusionAttention(nn.Sequential):
    """FAM (section III.B): channel attention, then spatial attention.

    Parameters
    ----------
    channels : int
        C. 255 parameters for 10.
    attention : {"both", "channel", "spatial", "none"}
        The arms of table 10; ``none`` passes x on.
    activation : {"softmax", "sigmoid"}
        Of both.

    Examples
    --------
    >>> fam = FusionAttention(10)
    >>> fam(torch.zeros(2, 10, 24, 24)).shape, sum(weights.numel() for weights in fam.parameters())
    (torch.Size([2, 10, 24, 24]), 255)
    """

    def __init__(self, channels: int, attention: str = "both", activation: str = "softmax") -> None:
        parts: list[nn.Module] = []
        if attention in ("both", "channel"):
            parts.append(ChannelAttention(channels, activation))
        if attention in ("both", "spatial"):
            parts.append(SpatialAttention(channels, activation))
        super().__init__(*parts)


class _Stream(nn.Module):
    """One input (N, M, 10, S, S) to features (N, 128), (N, 64), or both one after the other."""

    def __init__(self, maps: int, size: int, branches: str, attention: str, activation: str, grid: int) -> None:
        super().__init__()
        self.maps = maps
        self.part = POOLED // 2 // grid
        self.attend = FusionAttention(maps * STEPS, attention, activation)
        self.pool = nn.AvgPool2d(size // POOLED)
        self.spatial = self.temporal = None
        if branches != "3d":
            stem = nn.Conv2d(maps * STEPS, 32, 3, padding=1)
            self.spatial = nn.Sequential(stem, nn.ReLU(), nn.MaxPool2d(2), Inception(32, 32, dims=2))
        if branches != "2d":
            stem3 = nn.Conv3d(maps, 16, 3, padding=1)
            self.temporal = nn.Sequential(stem3, nn.ReLU(), nn.MaxPool3d((1, 2, 2)), Inception(16, 16, dims=3))

    def looked(self, x: Tensor) -> Tensor | None:
        x = x.flatten(1, 2)
        for part in self.attend:
            if isinstance(part, SpatialAttention):
                return part.weights(x)[:, 0]
            x = part(x)
        return None

    def forward(self, x: Tensor) -> Tensor:
        small = self.pool(self.attend(x.flatten(1, 2)))
        found = []
        if self.spatial is not None:
            found.append(nn.functional.avg_pool2d(self.spatial(small), self.part).flatten(1))
        if self.temporal is not None:
            steps = self.temporal(small.unflatten(1, (self.maps, STEPS))).mean(dim=2)
            found.append(nn.functional.avg_pool2d(steps, self.part).flatten(1))
        return torch.cat(found, dim=1)


class AST(nn.Module):
    """The network of AST+SVMNet (Xue et al., IEEE Access 2024, section III).

    Two streams, optical flow and image difference sequence (IDSF), 10 maps each: fusion attention; pooling to 32 x 32;
    an Inception over the maps as channels (128 features) and one over space and time (64 features). The features of
    both streams train one linear layer, and then an SVM takes its place. 166,657 parameters for K = 3.

    Parameters
    ----------
    n_classes : int
        K.
    flow : {"mag", "uv"}
        Whether flow comes as its magnitude, 10 maps as printed, or as u and v, 20 maps.
    size : int
        Side S of the maps, a multiple of 32; those of a multiple of S are averaged down to it first.
    streams : {"both", "flow", "idsf"}
        The arms of table 9. The input is the same, the network ignores the other half.
    branches : {"both", "2d", "3d"}
        The arms of table 11.
    attention, activation : str
        The arms of table 10: see :class:`FusionAttention`.
    idsf_gain : float
        What the differences are multiplied by: over 255 they are a tenth of the flow, and learn as much more slowly.
    grid : int
        The features are averaged in so many parts across and down the face, 1 (all of it), 2, 4 or 8: with more, an SVM
        sees where something moved, from 384 features in each part.

    Raises
    ------
    MienError
        If a choice is unknown or the size does not divide.

    Examples
    --------
    >>> network = AST(3, size=32)
    >>> x = torch.zeros(2, 2, 10, 32, 32)
    >>> network.features(x).shape, network(x).shape
    (torch.Size([2, 384]), torch.Size([2, 3]))
    """

    def __init__(
        self,
        n_classes: int,
        *,
        flow: str = "mag",
        size: int = 192,
        streams: str = "both",
        branches: str = "both",
        attention: str = "both",
        activation: str = "softmax",
        idsf_gain: float = 1.0,
        grid: int = 1,
    ) -> None:
        super().__init__()
        if grid not in GRIDS:
            raise MienError(f"got grid = {grid}; expected one of {', '.join(map(str, GRIDS))}; change the setting")
        _check_choices(size, flow=flow, streams=streams, branches=branches, attention=attention, activation=activation)
        maps = FLOW_MAPS[flow]
        self.shape = (maps + 1, STEPS, size, size)
        self.split = {"flow": slice(0, maps), "idsf": slice(maps, maps + 1)}
        self.gains = {"flow": 1.0, "idsf": idsf_gain}
        self.streams = nn.ModuleDict(
            {
                name: _Stream(count, size, branches, attention, activation, grid)
                for name, count in (("flow", maps), ("idsf", 1))
                if streams in (name, "both")
            }
        )
        width = {"both": 192, "2d": 128, "3d": 64}[branches]
        self.classify = nn.Linear(grid**2 * width * len(self.streams), n_classes)

    def features(self, x: Tensor) -> Tensor:
        """Return what the SVM is trained on.

        Parameters
        ----------
        x : Tensor, (N, 2, 10, S, S), or (N, 3, 10, S, S) with ``uv``
            The magnitude (or u and v) of the flow between consecutive frames, in pixels, then IDSF: each frame minus
            the onset, over 255.

        Returns
        -------
        Tensor, (N, 384)
            128 and 64 of flow, 128 and 64 of IDSF; fewer without a stream or a branch.

        Raises
        ------
        MienError
            If the shape is another.
        """
        x = self._sized(x)
        if tuple(x.shape[1:]) != self.shape:
            wanted = ", ".join(map(str, self.shape))
            raise MienError(f"got an input of {tuple(x.shape)}; expected (N, {wanted}); check flow and size")
        return torch.cat([stream(self._part(x, name)) for name, stream in self.streams.items()], dim=1)

    def looked(self, x: Tensor) -> Tensor | None:
        """Return the spatial attention (N, S, S), the mean over the streams; None for an arm without."""
        x = self._sized(x)
        maps = [stream.looked(self._part(x, name)) for name, stream in self.streams.items()]  # type: ignore[operator]
        found = [one for one in maps if one is not None]
        return torch.stack(found).mean(dim=0) if found else None

    def augment(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Mirror, turn, shift, zoom, make either stream stronger or weaker, and hide one now and then (ours).

        Hiding keeps one stream from being learnt by heart: so few clips fit either alone.

        Parameters
        ----------
        batch : Tensor, (N, 2 or 3, 10, S, S)
            Training clips.
        generator : Generator
            Draws one copy per clip.

        Returns
        -------
        Tensor
            Turned by up to 7 degrees, shifted by up to 7 pixels of 224 along each axis, grown or shrunk by up to 12 %;
            each stream times exp(.35 z) with z standard normal, or hidden with probability .2, but never both, nor the
            only one that an arm reads.
        """
        vectors = (0, 1) if self.shape[0] > FLOW_MAPS["uv"] else None
        steps = self._sized(batch).transpose(1, 2)
        moved = joint_affine(steps, generator, degrees=7, shift_px=7, zoom=0.12, vectors=vectors).transpose(1, 2)
        gains = torch.exp(0.35 * torch.randn(len(batch), len(self.split), generator=generator))
        hidden = torch.rand(len(batch), len(self.split), generator=generator) < 0.2
        if len(self.streams) > 1:  # an arm with one stream would be left with nothing
            gains[hidden & ~hidden.all(dim=1, keepdim=True)] = 0
        for number, maps in enumerate(self.split.values()):
            moved[:, maps] *= gains[:, number, None, None, None, None].to(batch.device)
        return moved

    def _part(self, x: Tensor, name: str) -> Tensor:
        """The maps of a stream."""
        maps = x[:, self.split[name]]
        return maps if self.gains[name] == 1 else maps * self.gains[name]

    def _sized(self, x: Tensor) -> Tensor:
        """Maps of a multiple of the size, averaged down to it."""
        factor = int(x.shape[-1]) // self.shape[-1]
        if x.ndim != len(self.shape) + 1 or factor < 2 or x.shape[-1] % self.shape[-1]:
            return x
        return nn.functional.avg_pool3d(x, (1, factor, factor))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K): what trains the features, and the paper's own softmax classifier."""
        logits: Tensor = self.classify(self.features(x))
        return logits


ast_uv = partial(AST, flow="uv")


def _activate(scores: Tensor, activation: str) -> Tensor:
    """Turn scores (N, M) into weights; those of a softmax have the mean 1, so that magnitudes survive."""
    return scores.sigmoid() if activation == "sigmoid" else scores.softmax(dim=1) * scores.shape[1]


def _check_choices(size: int, **chosen: str) -> None:
    if size <= 0 or size % POOLED:
        raise MienError(f"got size = {size}; expected a multiple of {POOLED}; change the setting")
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            raise MienError(f"got {name} = '{value}'; expected one of {', '.join(CHOICES[name])}; choose one")
