"""The settings of the platform's API: what fits together, and what is refused at the start."""

from pathlib import Path

import pytest

from tidings.settings.load import SettingsRefused, load
from tidings.settings.service_addresses import platform_paths
from tidings.settings.settings import Settings

URL = {"TIDINGS_PLATFORM_URL": "https://api.example.com/base"}
CUSTOMERS = {"TIDINGS_PLATFORM_CUSTOMERS_PATH": "/v1/{orgId}/customers/{id}"}


def problems(**more: str) -> list[str]:
    with pytest.raises(SettingsRefused) as refused:
        load(URL | CUSTOMERS | {f"TIDINGS_PLATFORM_{name.upper()}": v for name, v in more.items()})
    return refused.value.problems


def test_all_of_it_can_be_set_by_the_environment_and_the_file(tmp_path: Path) -> None:
    more = {
        "TIDINGS_PLATFORM_AUTH_SECRET": "Basic c2VjcmV0",
        "TIDINGS_PLATFORM_FIELDS": "customers.mobile=profile.mobile, balances.pointsBalance=p",
        "TIDINGS_PLATFORM_BALANCES_PATH": "/v1/{id}/points",
    }
    made = load(URL | CUSTOMERS | more)
    assert made.platform_auth_secret is not None
    assert made.platform_auth_secret.reveal() == "Basic c2VjcmV0"
    assert "c2VjcmV0" not in repr(made)
    assert platform_paths(made) == {
        "customers": "/v1/{orgId}/customers/{id}",
        "balances": "/v1/{id}/points",
    }
    file = tmp_path / "t.toml"
    file.write_text(
        'platform_url = "http://10.0.0.1:8080"\nplatform_private = true\n'
        'platform_tills_path = "/tills/{id}"\nplatform_fields = ["tills.code=c"]\n'
    )
    assert load({}, file).platform_fields == ("tills.code=c",)
    assert Settings().platform_url is None and platform_paths(Settings()) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "http://api.example.com"),
        ("url", "https://10.0.0.1"),
        ("url", "https://user@api.example.com"),
        ("url", "ftp://api.example.com"),
        ("customers_path", "/customers"),
        ("tills_path", "tills/{id}"),
        ("fields", "mobile=a"),
        ("auth_header", "a b"),
        ("auth_secret", "Basic\tx"),
        ("auth_secret", "Basic caf\u00e9"),
        ("timeout_s", "11"),
    ],
)
def test_what_cannot_be_is_refused_with_its_source(name: str, value: str) -> None:
    [problem] = problems(**{name: value})
    assert problem.startswith(f"TIDINGS_PLATFORM_{name.upper()}")
    if name == "auth_secret":
        assert "Basic" not in problem


def test_a_url_without_a_path_and_a_path_without_a_url_do_nothing_and_are_refused() -> None:
    for environ in (URL, CUSTOMERS):
        with pytest.raises(SettingsRefused, match="must come with"):
            load(environ)
