"""``glasscell generate``: a file of generated cells that nobody takes for counts, and the alarm beside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from glasscell.cli.app import app
from glasscell.data.labels import read_labels
from glasscell.data.read import read
from glasscell.data.split import split
from glasscell.models.bundle_file import save_bundle
from glasscell.models.fit import fit
from glasscell.models.fit_request import FitRequest
from glasscell.models.gan import alarm as alarming
from glasscell.models.gan.alarm import alarm_of
from glasscell.models.gan.params import GanParams
from glasscell.testing.hidden_rate import hidden_rate_adata

QUICK = GanParams(n_latent=3, hidden=8, max_epochs=1, gan_epochs=1, noise=4, gan_hidden=8, critic_steps=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("gan")
    hidden_rate_adata(150, 20, 3, n_markers=4).write_h5ad(place / "cells.h5ad")
    dataset = read(place / "cells.h5ad")
    labels = read_labels(dataset, "type")
    folds = split(dataset, "random", n_folds=4, seed=0, labels=labels)
    save_bundle(fit(dataset, FitRequest(labels, folds, "gan", QUICK, device="cpu")), place / "model")
    return place


def test_it_writes_cells_of_a_kind_and_no_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = folder / "made.h5ad"
    asked = ["generate", str(folder / "model"), "--out", str(out), "--cells", "7", "--label", "type 1"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    made = read(out)
    assert made.n_cells == 7
    assert made.counts is None
    assert set(made.obs["type"]) == {"type 1"}
    asked = [*asked, "--against", str(folder / "cells.h5ad"), "--json"]
    judged: list[Any] = []

    def listening(told: Any, *more: Any) -> Any:
        judged.append(told)
        return alarm_of(told, *more)

    with monkeypatch.context() as patch:
        patch.setattr(alarming, "alarm_of", listening)
        said = json.loads(CliRunner().invoke(app, asked).stdout)
    ((drawn_cg, kind_c),) = judged
    np.testing.assert_array_equal(drawn_cg.toarray() > 0, made.adata.layers["generated"].toarray() > 0)
    assert kind_c.tolist() == [1] * 7
    assert "type 0" not in said["alarm"]["unjudged"], "nobody asked for cells of it"
    assert said["cells"] == 7
    assert 0 <= said["alarm"]["rate"] <= 1
    assert (folder / "made.h5ad.previous").exists() or list(folder.glob("made*previous*"))


def test_an_unknown_kind_is_one_sentence(folder: Path) -> None:
    asked = ["generate", str(folder / "model"), "--out", str(folder / "x.h5ad"), "--label", "liver"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code != 0
    assert "generates no 'liver'" in str(done.exception or done.output)
