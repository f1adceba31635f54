"""Augmentation: a face could have moved so, and frames of a clip are treated alike."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from mien.training.augmentation import joint_affine, joint_colour, mirror_and_shift  # noqa: E402


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_mirrored_face_moves_the_other_way_sideways() -> None:
    u, v, grey = torch.arange(48.0).view(3, 4, 4)
    clip = torch.stack([u, v, grey])[None, None]
    mirrored = joint_affine(clip, seeded(), degrees=0, shift_px=0, mirror=1, vectors=(0, 1))[0, 0]
    torch.testing.assert_close(mirrored, torch.stack([-u, v, grey]).flip(-1), atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_the_turned_flow_is_the_flow_of_the_turned_pictures(mirror: float) -> None:
    """Two ramps moved by (u, v) darken by gradient times flow; what they show after a turn must say the same."""
    u, v, inner = 3.0, -1.0, slice(24, 40)
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    moved = torch.stack([torch.full_like(x, u), torch.full_like(x, v), x, y, x - u, y - v])
    turned = joint_affine(moved.expand(5, 1, 6, 64, 64), seeded(), degrees=30, mirror=mirror, vectors=(0, 1))[:, 0]
    along, down = (turned[:, 2:4].diff(dim=d)[..., inner, inner] for d in (-1, -2))
    shown = along * turned[:, :1, inner, inner] + down * turned[:, 1:2, inner, inner]
    darker = (turned[:, 2:4] - turned[:, 4:6])[..., inner, inner]
    torch.testing.assert_close(shown, darker, atol=1e-3, rtol=1e-4)
    directions = turned[:, :2, 32, 32]
    torch.testing.assert_close(directions.norm(dim=1), torch.full((5,), 10**0.5))
    assert directions[:, 1].std() > 0.1, "every clip is turned by an angle of its own"


def test_an_enlarged_flow_is_longer_by_as_much() -> None:
    x = torch.arange(64.0).expand(64, 64)
    clip = torch.stack([torch.full_like(x, 2.0), torch.zeros_like(x), x]).expand(9, 1, 3, 64, 64)
    grown = joint_affine(clip, seeded(), degrees=0, shift_px=0, mirror=0, zoom=0.3, vectors=(0, 1))[:, 0]
    factor = 1 / grown[:, 2, 32].diff(dim=-1)[:, 20:40].mean(dim=1)  # a ramp is as much flatter as it is larger
    torch.testing.assert_close(grown[:, 0, 32, 32], 2 * factor, atol=1e-3, rtol=1e-3)
    assert float(factor.min()) < 0.9
    assert float(factor.max()) > 1.1


def test_the_flow_of_a_turned_clip_is_not_touched_unless_it_is_named() -> None:
    clip = torch.ones(4, 1, 2, 8, 8)
    torch.testing.assert_close(joint_affine(clip, seeded(), degrees=30), clip)


def test_depth_follows_the_picture_and_is_never_blended() -> None:
    seen = torch.zeros(4, 2, 2, 64, 64)
    seen[..., 20:41, 15:30] = 1
    seen[:, :, 1] *= 1500
    moved = joint_affine(seen, seeded(), degrees=20, nearest=(1,))
    colour, depth = moved[:, :, 0], moved[:, :, 1]
    assert set(depth.unique().tolist()) == {0.0, 1500.0}
    assert ((colour > 0.01) & (colour < 0.99)).any()
    certain = ((colour - 0.5).abs() > 0.4999).flatten()
    torch.testing.assert_close(depth.flatten()[certain] / 1500, colour.flatten()[certain].round())


def test_what_is_not_named_moves_as_it_did_before() -> None:
    clip = torch.rand(3, 2, 4, 16, 16, generator=seeded())
    plain, named = joint_affine(clip, seeded(1)), joint_affine(clip, seeded(1), nearest=(3,))
    assert torch.equal(named[:, :, :3], plain[:, :, :3])
    assert not torch.equal(named[:, :, 3], plain[:, :, 3])


def test_brightness_multiplies_and_contrast_turns_about_the_mean_of_the_clip() -> None:
    """Of a clip of 0.2 and 0.6: 0.4 b - 0.2 b c and 0.4 b + 0.2 b c."""
    clips = torch.full((200, 2, 3, 4, 4), 0.2)
    clips[:, 1] = 0.6
    low, high = joint_colour(clips, seeded(), strength=0.1)[:, :, 0, 0, 0].T
    brightness = (low + high) / 0.8
    contrast = (high - low) / (0.4 * brightness)
    for factor in (brightness, contrast):
        assert factor.min() >= 0.9
        assert factor.max() <= 1.1
        assert factor.min() < 0.92
        assert factor.max() > 1.08
    assert torch.stack([brightness, contrast]).corrcoef()[0, 1].abs() < 0.2, "drawn apart"


def test_colour_is_cut_off_and_without_strength_it_stays() -> None:
    clips = torch.rand(8, 2, 3, 4, 4, generator=seeded())
    other = joint_colour(clips, seeded(), strength=0.5)
    assert other.min() == 0
    assert other.max() == 1
    torch.testing.assert_close(joint_colour(clips, seeded(), strength=0), clips)


def test_mirror_and_shift_moves_every_step_of_a_clip_alike_and_nothing_comes_back_in() -> None:
    clip = torch.rand(2, 3, 12, 12, generator=seeded()) + 1
    moved = mirror_and_shift(clip.expand(64, -1, -1, -1, -1), seeded(1), shift_px=2, u_channels=(0,))
    sides, places = set(), set()
    for one in moved:
        mirrored = bool(one[0].min() < 0)
        whole = clip * torch.tensor([-1.0, 1.0])[:, None, None, None]
        padded = torch.nn.functional.pad(whole.flip(-1) if mirrored else clip, (2, 2, 2, 2))
        fits = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if torch.equal(padded[..., down : down + 12, right : right + 12], one)
        ]
        assert len(fits) == 1
        sides.add(mirrored)
        places.update(fits)
    assert sides == {False, True}
    assert {down for down, _ in places} == {right for _, right in places} == set(range(5))
