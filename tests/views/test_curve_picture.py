"""The loss as a small drawing: round ends, one line a part, and names that stay text."""

from xml.etree import ElementTree

from glasscell.views.curve_picture import curve_svg, ends
from glasscell.views.row import Curve

_LINE = "{http://www.w3.org/2000/svg}polyline"


def test_each_net_has_a_dotted_and_a_solid_line() -> None:
    curves = (
        Curve("<b>fold</b>", (2.3, 1.0, float("nan"), 0.4), (2.0, 1.1)),
        Curve("fold 2", (2.0, 1.5), ()),
    )
    assert ends(curves) == (5.0, (0.0, 2.5))
    lines = list(ElementTree.fromstring(curve_svg(curves)).iter(_LINE))
    assert [line.get("stroke-dasharray") is not None for line in lines] == [True, False, True]
    assert lines[0].get("stroke") == lines[1].get("stroke") != lines[2].get("stroke")
    assert len(lines[0].get("points", "").split()) == 3, "what is no number is left out"
    assert lines[0][0].text == "<b>fold</b>"
    heights = [float(place.split(",")[1]) for place in lines[0].get("points", "").split()]
    assert heights == sorted(heights), "a falling loss falls"


def test_nothing_is_drawn_of_nothing() -> None:
    assert curve_svg(()) == b""
    assert curve_svg((Curve("fold 1", (), ()),)) == b""
