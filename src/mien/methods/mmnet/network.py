"""MMNet: continuous attention on what moved, and a small transformer on where the face is."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.core import MienError
from mien.nn.pretrained import ImageNetPixels
from mien.training.augmentation import joint_affine, joint_colour

__all__ = [
    "INPUTS",
    "ContinuousAttentionBlock",
    "MMNet",
    "PositionCalibration",
    "mmnet_depth",
    "mmnet_flow",
    "mmnet_rgbd",
]

INPUTS = {"rgb": 3, "flow": 2, "flow+strain": 3, "depth": 1, "rgbd": 4}  # channels of the first convolution
PACKED = {"rgb": (2, 3), "flow": (6,), "flow+strain": (6,), "depth": (2, 4), "rgbd": (2, 4)}  # before S, S
REDUCTION = 16  # side of the image to side of the last feature map
DEPTH_SCALE = 1500.0  # the reproduction's, in units of the depth image
FLOW_SCALE = 4 / 224  # shift that counts as 1, in image sides
STRAIN_GAIN = 16.0


class ContinuousAttentionBlock(nn.Module):
    """Two convolutions, a shortcut, and an attention map that the previous one bounds (eq. 1 to 3).

    Parameters
    ----------
    before, after : int
        Channels in and out.
    stride : {1, 2}
        1 keeps the size, and then the shortcut is x itself.
    norm : bool
        Batch norm before the sigmoid, as in the published code; not in eq. 1.
    """

    def __init__(self, before: int, after: int, stride: int, norm: bool = True) -> None:
        super().__init__()
        self.convolve = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and before == after
            else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )
        self.attend = nn.Sequential(nn.Conv2d(2, 1, 1, bias=False), nn.BatchNorm2d(1) if norm else nn.Identity())

    def forward(self, x: Tensor, prior: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the features (N, after, h, w) and their attention (N, 1, h, w), values 0 to 1."""
        features = (self.convolve(x) + self.shortcut(x)).relu()
        pooled = torch.cat([features.max(dim=1, keepdim=True).values, features.mean(dim=1, keepdim=True)], dim=1)
        attention = self.attend(pooled).sigmoid()
        if prior is not None:
            if prior.shape[-1] != attention.shape[-1]:
                prior = functional.max_pool2d(prior, 3, stride=2, padding=1)
            attention = attention * prior
        return features * attention, attention


class PositionCalibration(nn.Module):
    """Vision transformer over the pixels of a tiny onset frame (section 3.3): where the parts of this face are.

    Parameters
    ----------
    side : int
        Of the frame, in pixels: side * side tokens.
    width : int
        Of a token; 4 heads share it.
    depth, mlp_ratio : int
        How many layers; their hidden units per width.
    drop_path : float
        How often the last layer is skipped in training; from 0 in the first, in even steps.
    """

    def __init__(self, side: int, width: int, depth: int, mlp_ratio: int, drop_path: float) -> None:
        super().__init__()
        self.side = side
        self.embed = nn.Linear(3, width)
        self.positions = nn.Parameter(torch.zeros(1, side * side, width))
        rates = torch.linspace(0, drop_path, depth, device="cpu").tolist()
        self.layers = nn.ModuleList(_Layer(width, mlp_ratio * width, rate) for rate in rates)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        for name, weights in self.named_parameters():
            if weights.ndim > 1:
                nn.init.trunc_normal_(weights, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(weights)

    def forward(self, onset: Tensor) -> Tensor:
        """Return E_pos (N, width, side, side) of onset frames (N, 3, side, side)."""
        tokens = self.embed(onset.flatten(2).transpose(1, 2)) + self.positions
        for layer in self.layers:
            tokens = layer(tokens)
        return self.norm(tokens).transpose(1, 2).unflatten(2, (self.side, self.side))


class _Layer(nn.Module):
    """Attention and a two-layer perceptron, each after its norm and each skipped at random per sample."""

    def __init__(self, width: int, hidden: int, drop_path: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.drop_path = drop_path

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm1(x)
        x = x + self._drop(self.attention(normed, normed, normed, need_weights=False)[0])
        return x + self._drop(self.mlp(self.norm2(x)))

    def _drop(self, branch: Tensor) -> Tensor:
        if not self.training:
            return branch
        return branch * functional.dropout(branch.new_ones(len(branch), 1, 1), self.drop_path)


class MMNet(nn.Module):
    """Muscle motion-guided network (Li et al., IJCAI 2022) and the inputs of its reproduction.

    Parameters
    ----------
    n_classes : int
        K.
    inputs : {"rgb", "flow", "flow+strain", "depth", "rgbd"}
        What the main branch sees; :meth:`forward` says how it is packed.
    size : int
        Side S of the images, a multiple of 16. 224 is the paper's; the feature map F_M is S / 16 wide, and so is the
        onset frame of the sub-branch: 14 at 224, 7 at 112, which costs a quarter.
    depth, mlp_ratio, drop_path : int, int, float
        Of :class:`PositionCalibration`. 3, 2, 0.3 for three and four classes; the authors use 2, 4, 0 for five.
    width : int
        Channels of F_M, a multiple of 16; the other layers keep the paper's proportions to its 512.
    attention_prior : bool
        Whether an attention map bounds the next; without, each block looks by itself.
    attention_norm : bool
        See :class:`ContinuousAttentionBlock`.
    position : bool
        Whether there is a sub-branch.
    colour : float
        How much :meth:`augment` changes brightness and contrast, at most; 0.1 in the text, nothing in the code.

    Raises
    ------
    MienError
        If the input is unknown, a size does not divide, or ``colour`` is not from 0 to below 1.

    Notes
    -----
    9,241,719 parameters for K = 3; 9,342,072 for K = 4; 9,438,841 for K = 5 with the authors' depth 2.

    Examples
    --------
    >>> network = MMNet(3, size=32, width=32).eval()
    >>> network(torch.rand(2, 2, 3, 32, 32)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        n_classes: int,
        inputs: str = "rgb",
        *,
        size: int = 224,
        depth: int = 3,
        mlp_ratio: int = 2,
        drop_path: float = 0.3,
        width: int = 512,
        attention_prior: bool = True,
        attention_norm: bool = True,
        position: bool = True,
        colour: float = 0.0,
    ) -> None:
        super().__init__()
        if inputs not in INPUTS:
            raise MienError(f"got the input '{inputs}'; expected one of {', '.join(INPUTS)}; choose one")
        for name, value in (("size", size), ("width", width)):
            if value <= 0 or value % 16:
                raise MienError(f"got {name} = {value}; expected a multiple of 16; change the setting")
        if not 0 <= colour < 1:
            raise MienError(f"got colour = {colour}; expected a number from 0 to below 1; change the setting")
        self.inputs, self.size, self.side, self.attention_prior = inputs, size, size // REDUCTION, attention_prior
        self.colour = colour
        self.pixels = ImageNetPixels()
        stem, quarter = width * 180 // 512, width // 4
        self.stem = nn.Sequential(*_convolution(INPUTS[inputs], stem, 2), *_convolution(stem, quarter, 1))
        shapes = ((quarter, quarter, 1), (quarter, quarter, 2), (quarter, width // 2, 2), (width // 2, width, 2))
        self.blocks = nn.ModuleList(ContinuousAttentionBlock(*shape, attention_norm) for shape in shapes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.position = PositionCalibration(self.side, width, depth, mlp_ratio, drop_path) if position else None
        self.head = nn.Linear(width * self.side**2, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K).

        Parameters
        ----------
        x : Tensor
            ``rgb``: onset and apex (N, 2, 3, S, S), RGB from 0 to 1; the difference is taken inside.
            ``depth`` and ``rgbd``: onset and apex (N, 2, 4, S, S), RGB from 0 to 1 and the depth image's own units, 0
            where it knows nothing. ``flow`` and ``flow+strain``: (N, 6, S, S), u and v from onset to apex in pixels,
            their strain, which ``flow`` ignores, and the RGB onset from 0 to 1.
            Inputs of a multiple of S are averaged down to it, flow in pixels of S then; of depth, which is never
            blended, one pixel in each block is taken.

        Raises
        ------
        MienError
            If the shape is another.
        """
        x = self._sized(x)
        features, _ = self._main_branch(self.motion(x))
        if self.position is not None:
            features = features + self.position(self.onset(x))
        logits: Tensor = self.head(features.flatten(1))
        return logits

    def attention(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the four attention maps, (N, 1, S / 2, S / 2) to (N, 1, S / 16, S / 16), values 0 to 1."""
        return tuple(self._main_branch(self.motion(self._sized(x)))[1])

    def looked(self, x: Tensor) -> Tensor:
        """Return the last attention map (N, S / 16, S / 16), which those before it bound."""
        return self.attention(x)[-1][:, 0]

    def _sized(self, x: Tensor) -> Tensor:
        """Inputs of a multiple of the size, brought down to it."""
        factor = x.shape[-1] // self.size
        if tuple(x.shape[1:-2]) != PACKED[self.inputs] or factor < 2 or x.shape[-1] % self.size:
            return x
        if self.inputs.startswith("flow"):
            small = functional.avg_pool2d(x, factor)
            return torch.cat([small[:, :2] / factor, small[:, 2:]], dim=1)
        small = functional.avg_pool2d(x[:, :, :3].flatten(0, 1), factor).unflatten(0, x.shape[:2])
        if self.inputs == "rgb":
            return small
        return torch.cat([small, x[:, :, 3:, factor // 2 :: factor, factor // 2 :: factor]], dim=2)

    def augment(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Mirror, turn and shift onset and apex of training clips alike, flow and depth with them.

        With ``colour``, brightness and contrast of the frames change too, of both alike; flow and depth stay.
        """
        flow = self.inputs.startswith("flow")
        clips = batch[:, None] if flow else batch
        depth = (3,) if self.inputs in ("depth", "rgbd") else ()
        moved = joint_affine(clips, generator, vectors=(0, 1) if flow else None, nearest=depth)
        if self.colour:
            rgb = slice(3, 6) if flow else slice(0, 3)
            moved[:, :, rgb] = joint_colour(moved[:, :, rgb], generator, strength=self.colour)
        return moved[:, 0] if flow else moved

    def motion(self, x: Tensor) -> Tensor:
        """Return what the main branch sees (N, C, S, S); where nothing moved it is 0.

        RGB: apex minus onset after ImageNet's normalisation. Depth: apex minus onset over 1500, 0 where either is
        unknown. Flow: over 4 pixels per 224 of the size; strain times 16.
        """
        self._check(x)
        if self.inputs.startswith("flow"):
            shift = x[:, :2] / (FLOW_SCALE * self.size)
            return shift if self.inputs == "flow" else torch.cat([shift, x[:, 2:3] * STRAIN_GAIN], dim=1)
        parts = []
        if self.inputs.startswith("rgb"):
            parts.append(self.pixels.difference(x[:, 0, :3], x[:, 1, :3]))
        if self.inputs in ("depth", "rgbd"):
            onset, apex = x[:, 0, 3:], x[:, 1, 3:]
            parts.append((apex - onset) / DEPTH_SCALE * ((onset != 0) & (apex != 0)))
        return torch.cat(parts, dim=1)

    def onset(self, x: Tensor) -> Tensor:
        """Return what the sub-branch sees: the onset, normalised, bilinear at (N, 3, S / 16, S / 16)."""
        self._check(x)
        onset = x[:, -3:] if self.inputs.startswith("flow") else x[:, 0, :3]
        return functional.interpolate(self.pixels(onset), size=(self.side, self.side), mode="bilinear")

    def _main_branch(self, motion: Tensor) -> tuple[Tensor, list[Tensor]]:
        features, maps = self.stem(motion), list[Tensor]()
        for block in self.blocks:
            features, attention = block(features, maps[-1] if maps and self.attention_prior else None)
            maps.append(attention)
        return features, maps

    def _check(self, x: Tensor) -> None:
        shape = (*PACKED[self.inputs], self.size, self.size)
        if tuple(x.shape[1:]) != shape:
            wanted = ", ".join(map(str, shape))
            raise MienError(f"got an input of {tuple(x.shape)}; expected (N, {wanted}) of '{self.inputs}'; check it")


def _convolution(before: int, after: int, stride: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(before, after, 3, stride, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()


mmnet_flow = partial(MMNet, inputs="flow+strain")
mmnet_depth = partial(MMNet, inputs="depth")
mmnet_rgbd = partial(MMNet, inputs="rgbd")
