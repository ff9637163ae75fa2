"""Field specs: every default comes back, every bound arrives."""

from typing import Literal

import pytest
from pydantic import BaseModel, Field

from glasscell.errors import GlasscellError
from glasscell.views.form import build, fields, values


class Params(BaseModel, frozen=True):
    n_steps: int = Field(64, ge=8, lt=1025, description="Points on the path.")
    rate: float = Field(1e-3, gt=0, title="Learning rate")
    tiny: float = 1.2345678901234567e-12
    use_it: bool = True
    kind: Literal["a", "b"] = "b"
    hidden: tuple[int, ...] = (128, 64)
    weights: list[float] = Field(default_factory=lambda: [0.1, 1e-9])
    word: str = "x, y"
    clip: float | None = Field(None, json_schema_extra={"advanced": True, "step": 0.5})


def test_specs_say_what_the_class_says() -> None:
    specs = {spec.name: spec for spec in fields(Params)}
    assert (specs["n_steps"].kind, specs["n_steps"].low, specs["n_steps"].high) == ("int", 8, 1024)
    assert specs["n_steps"].help == "Points on the path."
    assert specs["n_steps"].title == "N steps"
    assert specs["rate"].title == "Learning rate"
    assert specs["kind"].choices == ("a", "b")
    assert (specs["clip"].kind, specs["clip"].optional, specs["clip"].advanced, specs["clip"].step) == (
        "float",
        True,
        True,
        0.5,
    )


def test_defaults_come_back_through_text() -> None:
    specs = fields(Params)
    assert build(Params, values(specs)) == Params()
    for spec in specs:
        back = spec.read(spec.write(spec.default))
        assert (list(back) if isinstance(spec.default, list) else back) == spec.default


def test_an_instance_gives_its_own_values() -> None:
    assert values(fields(Params(rate=0.5)))["rate"] == 0.5


def test_bad_text_and_bad_values_are_named() -> None:
    specs = {spec.name: spec for spec in fields(Params)}
    with pytest.raises(GlasscellError, match='N steps: "many" is not a whole number'):
        specs["n_steps"].read("many")
    with pytest.raises(GlasscellError, match="not one of a, b"):
        specs["kind"].read("c")
    with pytest.raises(GlasscellError, match="list of values"):
        specs["hidden"].read("1, two")
    with pytest.raises(GlasscellError, match="Learning rate: input should be greater than 0"):
        build(Params, {"rate": -1.0})


def test_a_class_no_form_can_show_is_refused() -> None:
    class Wild(BaseModel):
        anything: dict[str, int] = Field(default_factory=dict)

    class Open(BaseModel):
        needed: int

    with pytest.raises(GlasscellError, match="no form can show"):
        fields(Wild)
    with pytest.raises(GlasscellError, match="has no default"):
        fields(Open)


def test_a_str_that_says_so_is_a_path() -> None:
    class Files(BaseModel):
        sets: str = Field("a.gmt", json_schema_extra={"path": "Gene sets (*.gmt)"})

    (spec,) = fields(Files)
    assert (spec.kind, spec.pattern, spec.default) == ("path", "Gene sets (*.gmt)", "a.gmt")
    assert spec.read(spec.write("/some where/b.gmt")) == "/some where/b.gmt"
