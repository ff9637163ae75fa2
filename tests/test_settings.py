import pytest

from glasscell.errors import GlasscellError
from glasscell.settings import Settings, read_settings


def test_defaults_without_environment() -> None:
    assert read_settings({}) == Settings()


def test_values_from_the_environment() -> None:
    found = read_settings({"GLASSCELL_DEVICE": "cpu", "GLASSCELL_STORE_GB": "1.5", "OTHER": "x"})
    assert found == Settings(device="cpu", store_gb=1.5)


@pytest.mark.parametrize(
    "environment",
    [
        {"GLASSCELL_DEVICE": "tpu"},
        {"GLASSCELL_MEMORY_SHARE": "2"},
        {"GLASSCELL_STORE_GB": "much"},
        {"GLASSCELL_STORE_GB": "0"},
    ],
)
def test_wrong_values_are_named(environment: dict[str, str]) -> None:
    with pytest.raises(GlasscellError, match=next(iter(environment))):
        read_settings(environment)
