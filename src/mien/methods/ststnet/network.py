"""STSTNet: three shallow streams of 3, 5 and 8 filters over one motion map."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mien.core import MienError

__all__ = ["STSTNet", "load_published"]


class STSTNet(nn.Module):
    """Shallow triple stream three-dimensional CNN (Liong et al., FG 2019, section III).

    Each stream: convolution 3 x 3 (padding 2), ReLU, batch norm, max pooling 3 x 3 with stride 3 and padding 1,
    dropout; the 16 channels of 10 x 10 are average-pooled to 5 x 5 and classified. 1,651 + 32 parameters for K = 3.

    Parameters
    ----------
    n_classes : int
        K.

    Examples
    --------
    >>> STSTNet(3)(torch.zeros(2, 3, 28, 28)).shape
    torch.Size([2, 3])
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        # The names are those of the published weights.
        self.conv1, self.bn1 = nn.Conv2d(3, 3, 3, padding=2), nn.BatchNorm2d(3)
        self.conv2, self.bn2 = nn.Conv2d(3, 5, 3, padding=2), nn.BatchNorm2d(5)
        self.conv3, self.bn3 = nn.Conv2d(3, 8, 3, padding=2), nn.BatchNorm2d(8)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(16 * 5 * 5, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of maps (N, 3, 28, 28), channels strain, v, u, values 0 to 255."""
        streams = ((self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3))
        features = torch.cat([self._stream(x, conv, norm) for conv, norm in streams], dim=1)
        logits: Tensor = self.fc(nn.functional.avg_pool2d(features, 2).flatten(1))
        return logits

    def _stream(self, x: Tensor, conv: nn.Module, norm: nn.Module) -> Tensor:
        pooled: Tensor = self.dropout(nn.functional.max_pool2d(norm(conv(x).relu()), 3, stride=3, padding=1))
        return pooled


def load_published(weights: Mapping[str, npt.NDArray[np.float32]], subject: str) -> STSTNet:
    """Build the network that the authors' PyTorch port trained without one subject.

    Parameters
    ----------
    weights : mapping of str to array
        Such as an opened ``.npz``: ``<subject>/conv1.weight``, ... for each left-out subject.
    subject : str
        The left-out subject, as the file spells it (``sub01``, ``s01``).

    Returns
    -------
    STSTNet
        In evaluation mode.

    Raises
    ------
    MienError
        If the subject is not in the file or its weights do not fit.
    """
    prefix = f"{subject}/"
    state = {key.removeprefix(prefix): torch.from_numpy(weights[key]) for key in weights if key.startswith(prefix)}
    if "fc.weight" not in state:
        raise MienError(
            f"got no weights of the subject '{subject}'; expected '{prefix}fc.weight' and others; check the file"
        )
    network = STSTNet(len(state["fc.weight"]))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise MienError(f"got weights of '{subject}' that do not fit ({error}); expected those of STSTNet") from error
    return network.eval()
