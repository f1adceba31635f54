"""STSTNet against its authors' weights and predictions."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core import MienError  # noqa: E402
from mien.methods import METHODS  # noqa: E402
from mien.methods.off_apexnet.network import OFFApexNet  # noqa: E402
from mien.methods.ststnet.network import STSTNet, load_published  # noqa: E402
from mien.protocols.metrics import confusion, metrics  # noqa: E402


def test_published_weights_predict_what_was_published(shared_data: Path) -> None:
    maps = np.load(shared_data / "flow" / "ststnet_flow_smic_casme2.npz")
    weights = dict(np.load(shared_data / "flow" / "ststnet_weights.npz"))
    with (shared_data / "flow" / "ststnet_expected.csv").open(newline="") as file:
        expected = {(row["dataset"], row["subject"], row["sample_id"]): row for row in csv.DictReader(file)}
    inputs = torch.from_numpy(METHODS["ststnet"].prepare(maps["X"]))
    networks = {subject: load_published(weights, subject) for subject in np.unique(maps["subject"])}
    scores = {"smic": ([], []), "casme2": ([], [])}
    agree = 0
    for row, key in enumerate(zip(maps["dataset"], maps["subject"], maps["sample_id"], strict=True)):
        with torch.inference_mode():
            predicted = int(networks[key[1]](inputs[row : row + 1]).argmax())
        agree += predicted == int(expected[key]["predicted"])
        scores[str(key[0])][0].append(str(maps["y"][row]))
        scores[str(key[0])][1].append(str(predicted))
    assert agree == len(maps["y"]) == 309
    for corpus, uf1, uar in (("smic", 0.6871, 0.6876), ("casme2", 0.8304, 0.8304)):
        document = metrics(confusion(*scores[corpus], "012"), "012")
        assert (round(document["uf1"], 4), round(document["uar"], 4)) == (uf1, uar)
    truth, said = (scores["smic"][at] + scores["casme2"][at] for at in (0, 1))
    assert round(metrics(confusion(truth, said, "012"), "012")["uf1"], 4) == 0.7525  # pooled: what docs/studies.md says


def test_its_input_is_strain_v_u_from_0_to_255() -> None:
    maps = np.zeros((1, 28, 28, 3), np.uint8)
    maps[..., :] = (10, 20, 255)  # u, v, strain
    prepared = METHODS["ststnet"].prepare(maps)
    assert prepared.dtype == np.float32
    assert prepared[0, :, 0, 0].tolist() == [255, 20, 10]


def test_the_streams_meet_in_sixteen_channels_of_ten_by_ten() -> None:
    seen: list[tuple[int, ...]] = []
    network = STSTNet(3)
    for conv in (network.conv1, network.conv2, network.conv3):
        conv.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    network.fc.register_forward_pre_hook(lambda _m, args: seen.append(tuple(args[0].shape[1:])))
    network(torch.zeros(1, 3, 28, 28))
    assert seen == [(3, 30, 30), (5, 30, 30), (8, 30, 30), (400,)]


def test_batch_norm_is_32_of_its_1683_parameters() -> None:
    norms = [m for m in STSTNet(3).modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert sum(p.numel() for norm in norms for p in norm.parameters()) == 32


def test_weights_of_an_unknown_subject_are_refused() -> None:
    with pytest.raises(MienError, match="no weights of the subject 'sub99'"):
        load_published({"sub01/fc.weight": np.zeros((3, 400), np.float32)}, "sub99")
    with pytest.raises(MienError, match="do not fit"):
        load_published({"sub01/fc.weight": np.zeros((3, 400), np.float32)}, "sub01")


def test_off_apexnet_joins_784_values_of_u_and_784_of_v() -> None:
    network = OFFApexNet(3)
    assert network.u(torch.zeros(1, 1, 28, 28)).shape == network.v(torch.zeros(1, 1, 28, 28)).shape == (1, 784)
    maps = np.zeros((1, 28, 28, 3), np.uint8)
    maps[..., :] = (255, 51, 99)
    assert METHODS["off-apexnet"].prepare(maps)[0, :, 0, 0].tolist() == pytest.approx([1.0, 0.2])
