"""The search calls raw softmax what it is."""

from glasscell.views.colour_presenter import _honest


def test_raw_softmax_is_not_called_a_probability() -> None:
    assert _honest("predicted probability", calibrated=True) == "predicted probability"
    assert _honest("applied: probability", calibrated=False) == "applied: softmax (uncalibrated)"
    assert _honest("prediction correct", calibrated=False) == "prediction correct"
