"""C3D: eight plain 3-D convolutions, a baseline for whole clips."""

from __future__ import annotations

from torch import Tensor, nn

from mien.core import MienError

__all__ = ["C3D"]

# Widths over that of the first layer, one group per pooling.
GROUPS = ((1,), (2,), (4, 4), (8, 8), (8, 8))
REDUCTION = 16  # the side before the last pooling, which rounds up
DROPOUT = 0.5


class C3D(nn.Module):
    """Convolutional 3D network (Tran et al., ICCV 2015).

    Convolutions 3 x 3 x 3 of 64, 128, 2 x 256, 2 x 512 and 2 x 512 channels with ReLU and five poolings, the first of
    them in space only; 8192 values; two layers of 4096 with dropout. 78,008,067 parameters for K = 3, of which the
    convolutions have 27,655,936.

    Parameters
    ----------
    n_classes : int
        K.
    channels : int
        Of the input: 3 for frames, 2 for flow.
    frames, size : int
        T and S, 16 at least: the input is (N, channels, T, S, S).
    width : int
        Channels of the first convolution; the other layers keep their proportions to its 64.

    Raises
    ------
    MienError
        If the clip is too small.

    Examples
    --------
    >>> import torch
    >>> C3D(3, size=32, width=4)(torch.zeros(2, 3, 16, 32, 32)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self, n_classes: int, *, channels: int = 3, frames: int = 16, size: int = 112, width: int = 64
    ) -> None:
        super().__init__()
        for name, value in (("frames", frames), ("size", size)):
            if value < REDUCTION:
                raise MienError(f"got {name} = {value}; expected {REDUCTION} at least; change the setting")
        self.shape = (channels, frames, size, size)
        layers: list[nn.Module] = []
        before = channels
        for number, group in enumerate(GROUPS):
            for factor in group:
                layers += [nn.Conv3d(before, width * factor, 3, padding=1), nn.ReLU()]
                before = width * factor
            layers.append(_pool(number))
        self.convolve = nn.Sequential(*layers)
        values = before * (frames // REDUCTION) * (size // REDUCTION // 2 + 1) ** 2
        self.classify = nn.Sequential(
            nn.Flatten(),
            *(nn.Linear(values, 64 * width), nn.ReLU(), nn.Dropout(DROPOUT)),
            *(nn.Linear(64 * width, 64 * width), nn.ReLU(), nn.Dropout(DROPOUT)),
            nn.Linear(64 * width, n_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of clips (N, channels, T, S, S); raise :class:`MienError` for another shape."""
        if tuple(x.shape[1:]) != self.shape:
            wanted = ", ".join(map(str, self.shape))
            raise MienError(
                f"got an input of {tuple(x.shape)}; expected (N, {wanted}); check channels, frames and size"
            )
        logits: Tensor = self.classify(self.convolve(x))
        return logits


def _pool(number: int) -> nn.MaxPool3d:
    if number == 0:
        return nn.MaxPool3d((1, 2, 2))
    return nn.MaxPool3d(2, padding=(0, 1, 1) if number == len(GROUPS) - 1 else 0)
