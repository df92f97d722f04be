"""Settings: sources and their order, types and bounds, what is refused and how it is said."""

import pickle
from ipaddress import ip_network
from pathlib import Path

import msgspec
import pytest

from tests.e2e.operations.kubernetes_names import injected
from tidings.api.http.metrics_access import MetricsReaders
from tidings.app.faces import inbox_host, metrics_readers
from tidings.egress.policy import AllowedRange
from tidings.service_links import service_links
from tidings.settings.client_names import CLIENT_NAMES
from tidings.settings.load import SettingsRefused, load, unknown_names
from tidings.settings.secret_text import SecretText
from tidings.settings.settings import (
    ENVIRONMENT,
    HINTS,
    Settings,
    meta,
    must,
)

BOOTSTRAP = {
    "TIDINGS_BOOTSTRAP_ORG": "100",
    "TIDINGS_BOOTSTRAP_KEY": "platform",
    "TIDINGS_BOOTSTRAP_SECRET": "hush-0123456789",
}


def refused(environ: dict[str, str], config: Path | None = None, **options: object) -> list[str]:
    with pytest.raises(SettingsRefused) as caught:
        load(environ, config, options)
    return caught.value.problems


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tidings.toml"


def test_nothing_given_means_the_defaults() -> None:
    assert load({"PATH": "/bin"}) == Settings()


def test_later_sources_win(file: Path) -> None:
    file.write_text('port = 1001\nhost = "10.0.0.1"\nlog_level = "debug"\n')
    settings = load({"TIDINGS_PORT": "1002", "TIDINGS_HOST": "10.0.0.2"}, file, {"port": "1003"})
    assert (settings.port, settings.host, settings.log_level) == (1003, "10.0.0.2", "debug")


def test_an_option_that_was_not_given_overrides_nothing() -> None:
    assert load({"TIDINGS_PORT": "1002"}, None, {"port": None}).port == 1002


def test_the_environment_can_name_the_file(file: Path) -> None:
    file.write_text("port = 1001")
    assert load({"TIDINGS_CONFIG": str(file)}).port == 1001


def test_the_option_names_the_file_over_the_environment(file: Path) -> None:
    file.write_text("port = 1001")
    assert load({"TIDINGS_CONFIG": "/nowhere"}, file).port == 1001


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("FALSE", False), ("0", False), (" true ", True)],
)
def test_switches_in_the_environment(text: str, value: bool) -> None:
    assert load({"TIDINGS_DEV": text}).dev is value


def test_a_switch_of_the_command_line_can_be_turned_off() -> None:
    assert load({"TIDINGS_DEV": "true"}, None, {"dev": False}).dev is False


def test_lists_come_as_texts_with_commas_or_as_toml(file: Path) -> None:
    both = (
        AllowedRange(ip_network("10.1.0.0/16"), 8443),
        AllowedRange(ip_network("fd00:1::/32"), 443),
    )
    file.write_text('allow = ["10.1.0.0/16:8443", "[fd00:1::/32]:443"]')
    assert load({}, file).allow == both
    assert load({"TIDINGS_ALLOW": "10.1.0.0/16:8443, [fd00:1::/32]:443"}).allow == both
    assert load({"TIDINGS_DENY": "203.0.113.0/24"}).deny == (ip_network("203.0.113.0/24"),)
    assert load({"TIDINGS_ALLOW": ""}).allow == ()
    proxies = load({"TIDINGS_TRUSTED_PROXIES": "127.0.0.1, 2001:db8::/48"}).trusted_proxies
    assert proxies == (ip_network("127.0.0.1/32"), ip_network("2001:db8::/48"))


BAD = [
    (
        "TRUSTED_PROXIES",
        "proxy.example",
        "a list of addresses or networks, such as 127.0.0.1, 10.2.0.0/16; got proxy.example.",
    ),
    ("PORT", "70000", "a number from 1 to 65535; got 70000."),
    ("PORT", "0", "a number from 1 to 65535; got 0."),
    ("PORT", "http", "a number from 1 to 65535; got http."),
    ("PORT", "", "a number from 1 to 65535; got nothing."),
    ("PORT", "80.5", "a number from 1 to 65535; got 80.5."),
    ("DEV", "yes", "true or false; got yes."),
    ("HOST", "a b", "a name or an address; got a b."),
    ("DATA", "", "a directory; got nothing."),
    ("LOG_LEVEL", "loud", "debug, info, warning or error; got loud."),
    ("DRAIN_S", "nan", "a number from 0 to 600; got nan."),
    ("DRAIN_S", "inf", "a number from 0 to 600; got inf."),
    ("EVENTS_PER_CALL_MAX", "0", "a number from 1 to 100,000; got 0."),
    ("BOOTSTRAP_KEY", "a:b", "1 to 128 visible characters without a colon; got a:b."),
    ("ALLOW", "10.1.0.0/16", "a list of CIDR:port, such as 10.1.0.0/16:8443; got 10.1.0.0/16."),
    ("ALLOW", "10.1.0.1/16:1", "a list of CIDR:port, such as 10.1.0.0/16:8443; got 10.1.0.1/16:1."),
    ("DENY", "here", "a list of networks, such as 203.0.113.0/24; got here."),
]


@pytest.mark.parametrize(("name", "text", "said"), BAD)
def test_a_value_that_does_not_fit_is_refused_by_its_source(
    name: str, text: str, said: str
) -> None:
    assert refused({f"TIDINGS_{name}": text}) == [f"TIDINGS_{name} must be {said}"]


def test_an_option_is_named_as_it_is_written() -> None:
    assert refused({}, port="70000") == [
        "--port must be a number from 1 to 65535; got 70000.",
    ]


@pytest.mark.parametrize(
    "line", ['port = "8080"', "port = true", "dev = 1", 'dev = "true"', "allow = 5", "allow = [5]"]
)
def test_the_file_is_strict_about_types(file: Path, line: str) -> None:
    file.write_text(line)
    name = line.partition(" ")[0]
    [problem] = refused({}, file)
    assert problem.startswith(f"{name} in {file} must be {must(name)}; got ")


def test_every_problem_is_told_at_once(file: Path) -> None:
    file.write_text("prot = 1")
    problems = refused({"TIDINGS_PORT": "x", "TIDINGS_DATE": "y"}, file, host="a b")
    assert [problem.split(" ")[0] for problem in problems] == [
        "prot",
        "TIDINGS_DATE",
        "TIDINGS_PORT",
        "--host",
    ]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TIDINGS_PROT", "Did you mean TIDINGS_PORT?"),
        ("tidings_port", "Did you mean TIDINGS_PORT?"),
        ("TIDINGS_BOOTSTRAP_ORGS", "Did you mean TIDINGS_BOOTSTRAP_ORG?"),
        ("TIDINGS_KEYS", "Did you mean TIDINGS_KEY?"),
        ("TIDINGS_QQQQQQQQQQ", "docs/settings.md lists them all."),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_name(name: str, hint: str) -> None:
    assert refused({name: "1"}) == [f"{name} is not a setting. {hint}"]


def test_an_unknown_name_of_the_file_is_refused_with_the_nearest_name(file: Path) -> None:
    file.write_text("drains = 1\n[limits]\nport = 1\n")
    assert refused({}, file) == [
        f"drains in {file} is not a setting. Did you mean drain_s?",
        f"limits in {file} is not a setting. docs/settings.md lists them all.",
    ]


def test_variables_of_the_client_are_known() -> None:
    assert load(dict.fromkeys(CLIENT_NAMES, "")) == Settings()


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert refused({}, tmp_path / "no.toml") == [
        f"--config must name a file that can be read; got {tmp_path}/no.toml: "
        "No such file or directory."
    ]
    assert refused({"TIDINGS_CONFIG": str(tmp_path)})[0].startswith("TIDINGS_CONFIG must name")


@pytest.mark.parametrize("content", [b"port 8080", b"\xff\xfe"])
def test_a_file_that_is_not_toml_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    [problem] = refused({}, file)
    assert problem.startswith(f"{file} must be TOML in UTF-8; got ")


def test_key_and_secret_come_together_and_with_the_org() -> None:
    settings = load(BOOTSTRAP)
    assert (settings.bootstrap_org, settings.bootstrap_key) == (100, "platform")
    assert settings.bootstrap_secret == SecretText("hush-0123456789")
    assert load({"TIDINGS_BOOTSTRAP_ORG": "100"}).bootstrap_org == 100
    for name in ("TIDINGS_BOOTSTRAP_KEY", "TIDINGS_BOOTSTRAP_SECRET"):
        one = {other: value for other, value in BOOTSTRAP.items() if other != name}
        [problem] = refused(one)
        assert f" must come with {name}; got nothing there." in problem
    [problem] = refused({"TIDINGS_BOOTSTRAP_KEY": "k"})
    assert problem == (
        "TIDINGS_BOOTSTRAP_KEY must come with TIDINGS_BOOTSTRAP_SECRET and TIDINGS_BOOTSTRAP_ORG; "
        "got nothing there. Set all three."
    )


def test_no_event_can_be_larger_than_a_call() -> None:
    [problem] = refused({"TIDINGS_CALL_BYTES_MAX": "2048"})
    assert problem.startswith("event_bytes_max must be at most call_bytes_max (2,048); got 262,144")


def test_a_secret_is_shown_nowhere() -> None:
    settings = load(BOOTSTRAP)
    for text in (repr(settings), str(settings), f"{settings.bootstrap_secret}"):
        assert "hush" not in text
    with pytest.raises(TypeError):
        msgspec.json.encode(settings.bootstrap_secret)
    [problem] = refused(BOOTSTRAP | {"TIDINGS_BOOTSTRAP_SECRET": "hush with spaces"})
    assert "hush" not in problem
    assert settings.bootstrap_secret is not None
    assert settings.bootstrap_secret.reveal() == "hush-0123456789"


def test_settings_do_not_change_and_can_be_handed_to_a_process() -> None:
    settings = load(BOOTSTRAP)
    with pytest.raises(AttributeError):
        settings.port = 1  # type: ignore[misc]  # what is tested
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_every_setting_says_what_it_is_and_what_it_must_be() -> None:
    assert list(HINTS) == list(Settings.__struct_fields__)
    for name in HINTS:
        assert meta(name).description and must(name), name
    assert len(ENVIRONMENT) == len(HINTS)


def test_a_mail_server_comes_with_a_sender_and_a_login_with_a_password() -> None:
    [problem] = refused({"TIDINGS_MAIL_HOST": "mail.example.com"})
    assert problem.startswith("mail_host must come with mail_from")
    [problem] = refused({"TIDINGS_MAIL_USER": "me"})
    assert problem.startswith("mail_user and mail_password must come together")
    good = {
        "TIDINGS_MAIL_HOST": "mail.example.com",
        "TIDINGS_MAIL_FROM": "tidings@example.com",
        "TIDINGS_MAIL_USER": "me",
        "TIDINGS_MAIL_PASSWORD": "hush-hush",
    }
    settings = load(good)
    assert (settings.mail_port, settings.mail_starttls) == (587, True)
    assert "hush-hush" not in repr(settings)


def test_a_password_that_does_not_fit_is_not_repeated() -> None:
    [problem] = refused({"TIDINGS_MAIL_USER": "me", "TIDINGS_MAIL_PASSWORD": "hush hush"})
    assert "hush" not in problem


@pytest.mark.parametrize("sender", ["nobody", "a@b c", "a@b\nBcc: x@y", "<a@b>"])
def test_a_sender_must_be_an_address(sender: str) -> None:
    [problem] = refused({"TIDINGS_MAIL_FROM": sender})
    assert problem.startswith("TIDINGS_MAIL_FROM must be an e-mail address")


def test_a_short_or_odd_token_for_metrics_is_refused_and_not_repeated() -> None:
    for token in ("hush", "x" * 15, "x" * 257, "with space 0123456789"):
        [problem] = refused({"TIDINGS_METRICS_TOKEN": token})
        assert problem.startswith("TIDINGS_METRICS_TOKEN must be 16 to 256 visible characters")
        assert token not in problem
    assert load({"TIDINGS_METRICS_TOKEN": "x" * 16}).metrics_token == SecretText("x" * 16)


def test_networks_that_read_metrics_are_a_list(file: Path) -> None:
    file.write_text('metrics_from = ["10.1.0.0/16", "::1"]')
    assert load({}, file).metrics_from == (ip_network("10.1.0.0/16"), ip_network("::1"))
    [problem] = refused({"TIDINGS_METRICS_FROM": "10.1.0.1/16"})
    assert problem.startswith("TIDINGS_METRICS_FROM must be a list of networks")


@pytest.mark.parametrize(
    ("given", "readers"),
    [
        ({}, MetricsReaders()),
        ({"dev": True}, MetricsReaders(everybody=True)),
        ({"dev": True, "metrics_token": "t" * 16}, MetricsReaders(token="t" * 16)),
        ({"metrics_from": "::1"}, MetricsReaders(networks=(ip_network("::1"),))),
        (
            {"dev": True, "metrics_from": "10.0.0.0/8"},
            MetricsReaders(networks=(ip_network("10.0.0.0/8"),)),
        ),
    ],
)
def test_metrics_are_open_with_dev_alone(given: dict[str, object], readers: object) -> None:
    assert metrics_readers(load({}, None, given)) == readers


@pytest.mark.parametrize(
    ("settings", "fits"),
    [
        ({"public_url": "https://t.example", "inbox_url": "https://in.t.example"}, True),
        ({"public_url": "https://t.example", "inbox_url": "https://t.example"}, False),
        ({"public_url": "https://t.example", "inbox_url": "http://T.example:8443/"}, False),
        ({"inbox_url": "http://127.0.0.1:9999"}, False),
        ({"inbox_url": "http://localhost:8080"}, True),
        ({"host": "::1", "inbox_url": "http://[::1]:8081"}, False),
    ],
)
def test_inboxes_have_a_host_that_is_not_the_consoles(settings: dict[str, str], fits: bool) -> None:
    environ = {f"TIDINGS_{name.upper()}": value for name, value in settings.items()}
    if fits:
        assert inbox_host(load(environ)) == settings["inbox_url"].partition("//")[2].split(":")[0]
    else:
        [problem] = refused(environ)
        assert problem.startswith("TIDINGS_INBOX_URL must name another host than the console's")


@pytest.mark.parametrize(
    "environ",
    [
        injected(),
        injected(host="fd00:10:96::7", port=443),
        injected("TIDINGS_MAIL"),  # a service called tidings-mail; mail_port is a setting too
        injected("TIDINGS_CONSOLE_2", port=65535),
        injected() | injected("TIDINGS_MAIL") | injected("TIDINGS_INBOX"),
    ],
)
def test_what_kubernetes_sets_for_a_service_is_passed_over(
    environ: dict[str, str], file: Path
) -> None:
    assert load(environ) == Settings()
    assert list(unknown_names(environ)) == []
    file.write_text("port = 9000\n")
    own = {"TIDINGS_DRAIN_S": "5"}
    assert load(environ | own, file) == Settings(port=9000, drain_s=5)
    assert load(environ, file, {"port": "9001"}).port == 9001
    assert service_links(environ | own | {"PATH": "/bin"}) == sorted(environ)


def test_a_port_of_the_pods_own_environment_is_the_setting() -> None:
    assert load(injected() | {"TIDINGS_PORT": "9000"}).port == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIDINGS_PORT", "abc"),
        ("TIDINGS_PORT", ""),
        ("TIDINGS_PORT", "tcp://"),
        ("TIDINGS_PORT", "tcp://10.96.3.7"),
        ("TIDINGS_PORT", "tcp://10.96.3.7:0"),
        ("TIDINGS_PORT", "tcp://10.96.3.7:70000"),
        ("TIDINGS_PORT", "tcp://10.96.3.777:80"),
        ("TIDINGS_PORT", "tcp://10.96.3.7:80\n"),
        ("TIDINGS_PORT", "http://10.96.3.7:80"),
        ("TIDINGS_PORT", "0"),
        ("TIDINGS_MAIL_PORT", "smtp"),
        ("TIDINGS_SERVICE_HOST", "tidings.example"),
        ("TIDINGS_SERVICE_PORT", "http"),
        ("TIDINGS_SERVICE", "10.96.3.7"),
        ("TIDINGS_PORTS", "tcp://10.96.3.7:80"),
        ("tidings_port", "tcp://10.96.3.7:80"),
        ("TIDINGS_PORT_TCP", "tcp://10.96.3.7:80"),
        ("TIDINGS_PORT_80_TCP_PROTO", "http"),
    ],
)
def test_what_a_person_got_wrong_is_refused_beside_it(name: str, value: str) -> None:
    [problem] = refused(injected() | {name: value})
    assert problem.startswith(f"{name} ")
    assert service_links({name: value}) == []


@pytest.mark.parametrize("number", [2**53, 2**63, 0, -1])
def test_the_first_org_has_an_id_that_an_org_may_have(number: int) -> None:
    [problem] = refused({"TIDINGS_BOOTSTRAP_ORG": str(number)})
    assert "from 1 to 9,007,199,254,740,991; got" in problem
    assert load({"TIDINGS_BOOTSTRAP_ORG": str(2**53 - 1)}).bootstrap_org == 2**53 - 1


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"DOOR_HOST": "0.0.0.0"}, "TIDINGS_DOOR_HOST must come with door_address"),
        ({"DOOR_HOST": "::"}, "TIDINGS_DOOR_HOST must come with door_address"),
        ({"DOOR_HOST": "0.0.0.0", "DOOR_ADDRESS": "0.0.0.0"}, "TIDINGS_DOOR_ADDRESS must be one"),
        ({"DOOR_ADDRESS": "10.0.0.5:8443"}, "TIDINGS_DOOR_ADDRESS must be one"),
        ({"DOOR_ADDRESS": "10.0.0.5/8443"}, "TIDINGS_DOOR_ADDRESS must be a name"),
        ({"DOOR_PORT": "0"}, "TIDINGS_DOOR_PORT must be a number"),
    ],
)
def test_a_door_that_other_machines_could_not_reach_is_refused(
    given: dict[str, str], named: str
) -> None:
    [problem] = refused({f"TIDINGS_{name}": value for name, value in given.items()})
    assert problem.startswith(named)


def test_a_door_may_listen_at_every_address_where_it_says_under_which_it_is_reached() -> None:
    settings = load({"TIDINGS_DOOR_HOST": "0.0.0.0", "TIDINGS_DOOR_ADDRESS": "tidings-0.pods"})
    assert (settings.door_host, settings.door_address) == ("0.0.0.0", "tidings-0.pods")
