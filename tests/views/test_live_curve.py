"""The loss while it trains has one point an epoch, however often it is told."""

import math

from glasscell.jobs.progress import Progress
from glasscell.views.live_curve import LiveCurves


def told(text: str, **metrics: float) -> Progress:
    return Progress(text=text, metrics=metrics)


def test_one_point_an_epoch() -> None:
    live = LiveCurves()
    assert not live.add(told("preparing cells"))
    assert not live.add(told("fold 1 of 2, baselines"))
    for loss in (3.0, 2.5):
        assert live.add(told("fold 1 of 2, epoch 1 of at most 9", train_loss=loss))
    for loss in (2.0, 1.5):
        assert live.add(told("fold 1 of 2, epoch 2 of at most 9", train_loss=loss, valid_loss=2.6))
    assert live.add(told("fold 2 of 2, epoch 3 of at most 9", train_loss=1.0, valid_loss=1.1))
    first, second = live.curves()
    assert (first.name, first.train, first.valid) == ("fold 1", (2.5, 1.5), (2.6,))
    assert [math.isnan(loss) for loss in second.train] == [True, True, False]
    assert second.valid[1] == 1.1


def test_a_training_without_epochs_has_a_point_each_time() -> None:
    live = LiveCurves()
    for loss in (3.0, 2.0):
        live.add(told("fold 1", train_loss=loss, valid_loss=loss + 1))
    assert live.curves()[0].train == (3.0, 2.0)
    assert live.curves()[0].valid == (4.0, 3.0)
