"""One's own network: trained here, brought along, saved, explained and applied; the page about it runs."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import glasscell
from glasscell.data.channel import ChannelRef
from glasscell.data.dataset import Dataset
from glasscell.errors import DataError, ModelError, NotCompatible
from glasscell.explain.explain import explain
from glasscell.models import network
from glasscell.models.apply import apply
from glasscell.models.batch import make_batch
from glasscell.models.bundle import Bundle
from glasscell.models.capability.first_linear import FirstLinear
from glasscell.models.fit import FitRequest, fit
from glasscell.models.own_bundle import UNKNOWN, own_bundle
from glasscell.models.prediction import prediction_table
from glasscell.models.torch_module.family import TorchModuleParams, wrap
from glasscell.session.prediction import resolve_prediction
from glasscell.testing.check import check_model

ROOT = Path(__file__).parents[2]


def plain(n_genes: int, n_classes: int) -> nn.Module:
    return nn.Sequential(nn.Linear(n_genes, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, n_classes))


class Gated(nn.Module):
    """A network that does not begin with a linear layer."""

    def __init__(self, n_genes: int, n_classes: int) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.ones(n_genes))
        self.out = nn.Linear(n_genes, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.out(torch.tanh(x * self.gate))
        return made


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_REGISTERED", {"plain": plain, "gated": Gated})


@pytest.fixture(scope="module")
def own(dataset: Dataset, request_for: FitRequest) -> Bundle:
    params = TorchModuleParams(network="plain", max_epochs=12, learning_rate=1e-2, batch_size=32)
    network.register_network("plain", plain)
    wanted = FitRequest(request_for.labels, request_for.split, "torch_module", params, seed=1)
    return fit(dataset, wanted)


def test_it_trains_and_keeps_every_promise_of_a_model(own: Bundle, dataset: Dataset) -> None:
    assert own.metrics is not None
    assert own.metrics.accuracy > own.baselines["majority"].accuracy + 0.2
    net = own.folds[0]
    check_model(net, make_batch(dataset, net, np.arange(6)))
    assert isinstance(net, FirstLinear)
    gated = wrap(Gated(dataset.n_genes, 3), dataset.genes.names.tolist(), ["a", "b", "c"])
    check_model(gated, make_batch(dataset, gated, np.arange(6)))
    assert not isinstance(gated, FirstLinear)


def test_the_same_seed_gives_the_same_bits(own: Bundle, dataset: Dataset, request_for: FitRequest) -> None:
    wanted = FitRequest(request_for.labels, request_for.split, "torch_module", own.params, seed=1)
    assert isinstance(own.params, TorchModuleParams)
    assert fit(dataset, wanted).fingerprint == own.fingerprint


def test_it_is_saved_without_code_and_opens_only_where_its_name_is_known(
    own: Bundle, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    glasscell.save_bundle(own, tmp_path / "model")
    assert glasscell.load_bundle(tmp_path / "model").fingerprint == own.fingerprint
    assert "test_own_network" not in (tmp_path / "model" / "model.json").read_text()
    monkeypatch.setattr(network, "_REGISTERED", {})
    with pytest.raises(NotCompatible, match="register"):
        glasscell.load_bundle(tmp_path / "model")
    network.register_network("plain", Gated)
    with pytest.raises(ModelError, match="do not fit"):
        glasscell.load_bundle(tmp_path / "model")


def test_it_is_explained_and_applied(own: Bundle, dataset: Dataset) -> None:
    target = f"class:{own.classes[0]}"
    result = explain(dataset, own, glasscell.ExplainRequest("integrated_gradients", target))
    assert result.diagnostics["completeness_gap"] < 0.05
    found = apply(own, dataset)
    assert found.flagged_share < 0.1


def test_its_raw_softmax_is_not_called_a_probability(own: Bundle, bundle: Bundle, dataset: Dataset) -> None:
    assert bundle.calibrated
    assert not own.calibrated
    assert "softmax_uncalibrated" in prediction_table(own)
    assert "probability" not in prediction_table(own)
    assert "probability" in prediction_table(bundle)
    said = apply(own, dataset)
    assert "softmax_uncalibrated" in said.table()
    assert "probability" not in said.table()
    for made, title in ((own, "softmax (uncalibrated)"), (bundle, "probability of")):
        context = SimpleNamespace(dataset=dataset, bundle=lambda name, made=made: made)
        ref = ChannelRef("prediction", "probability", (("model", "m"),))
        assert resolve_prediction(context, ref).title.startswith(title)  # type: ignore[arg-type]


def test_weights_genes_and_classes_must_fit(dataset: Dataset, tmp_path: Path) -> None:
    genes, classes = dataset.genes.names.tolist(), ["a", "b"]
    save_file(plain(len(genes), 3).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="do not fit"):
        wrap(plain(len(genes), 2), genes, classes, weights=tmp_path / "w.safetensors")
    (tmp_path / "w.pt").write_bytes(b"\x80\x04.")
    with pytest.raises(ModelError, match="safetensors"):
        wrap(plain(len(genes), 2), genes, classes, weights=tmp_path / "w.pt")
    with pytest.raises(ModelError, match="one logit per class"):
        wrap(plain(len(genes), 3), genes, classes)
    with pytest.raises(ModelError, match="one name of its own"):
        wrap(plain(len(genes), 2), [*genes[:-1], genes[0]], classes)
    with pytest.raises(ModelError, match="no preprocessing"):
        wrap(plain(len(genes), 2), genes, classes, "scaled")


def test_one_trained_elsewhere_has_figures_only_on_cells_held_out(
    own: Bundle, dataset: Dataset, request_for: FitRequest, tmp_path: Path
) -> None:
    net = own.folds[0]
    total = net.preprocessing.target_sum or 0.0
    model = wrap(net.network, net.genes, own.classes, target_sum=total, name="mine")  # type: ignore[attr-defined]
    silent = own_bundle(model, dataset)
    assert silent.metrics is None
    assert UNKNOWN in silent.notes
    unseen = own.cells.fold == 0
    judged = own_bundle(model, dataset, request_for.labels, unseen)
    assert judged.metrics is not None
    assert judged.metrics.n_cells == int((unseen & (own.cells.truth >= 0)).sum())
    seen = judged.seen_in_training(dataset, np.arange(dataset.n_cells), np.zeros(dataset.n_cells, np.int32))
    np.testing.assert_array_equal(seen, ~unseen)
    glasscell.save_bundle(silent, tmp_path / "mine")
    again = glasscell.load_bundle(tmp_path / "mine")
    weights = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    explain(dataset, silent, glasscell.ExplainRequest("saliency", f"class:{own.classes[0]}", baseline="zero"))
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.network.state_dict().items())
    np.testing.assert_array_equal(
        apply(again, dataset).probabilities_ck, apply(silent, dataset).probabilities_ck
    )
    with pytest.raises(DataError, match="another dataset"):
        own_bundle(model, dataset, request_for.labels, np.ones(3, np.bool_))


def test_a_network_is_found_by_module_and_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_networks.py").write_text(
        "from torch import nn\ndef small(g, k):\n    return nn.Sequential(nn.Linear(g, 4), nn.Linear(4, k))\n"
    )
    monkeypatch.chdir(tmp_path)
    assert network.load_network("my_networks:small") == "small"
    assert isinstance(network.make_own_network("small", 5, 2), nn.Sequential)
    for wrong in ("my_networks", "my_networks:large", "no_such_module:small"):
        with pytest.raises(ModelError):
            network.load_network(wrong)
    network.register_network("number", lambda n_genes, n_classes: 3)  # type: ignore[arg-type, return-value]
    with pytest.raises(ModelError, match=r"torch\.nn\.Module"):
        network.make_own_network("number", 5, 2)
    with pytest.raises(NotCompatible, match="--network"):
        network.make_own_network("nobody", 5, 2)


@pytest.mark.slow
def test_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = "".join(
        re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "own_network.md").read_text(), re.DOTALL)
    )
    exec(compile(code, "own_network.md", "exec"), {})
    out = capsys.readouterr().out
    print(out)
    assert "Train Own network: yes" in out
    assert "accuracy=0." in out
    assert "PCP4" in out
