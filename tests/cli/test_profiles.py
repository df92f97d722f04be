"""`tidings login` and `tidings profiles`: what is kept, for whom, and what is taken when."""

import stat
from pathlib import Path

import pytest

from tests.cli.command import Command
from tests.e2e.harness.api import Api
from tests.e2e.harness.service import KEY, SECRET, ServiceProcess
from tidings.cli.exits import CommandExit, Exit
from tidings.cli.profiles import Profile, Profiles, read_profiles, write_profiles
from tidings.cli.where import Where, choose

LOCAL = Profile("http://127.0.0.1:8080", "k", "s", 7)
LIVE = Profile("https://t.example", "k2", 'q"\\\x7f', None)
BOTH = Profiles({"local": LOCAL, "live": LIVE}, "local")


@pytest.fixture
def bare(service: ServiceProcess, tmp_path: Path) -> Command:
    """The command without a credential in its environment."""
    return Command(tmp_path)


def test_a_login_is_kept_for_its_owner_alone_and_is_the_default(
    bare: Command, service: ServiceProcess, org: Api
) -> None:
    url = f"http://127.0.0.1:{service.port}"
    done = bare(
        "login", "local", "--url", url, "--org", str(org.org), stdin=f"{KEY}:{SECRET}\n"
    ).must(0)
    assert SECRET not in done.out + done.err
    file = bare.home / ".config/tidings/profiles.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    org.webhook("https://example.com/x")
    assert [row["name"] for row in bare("webhooks", "list", "--json").must(0).rows] == ["crm"]
    done = bare("profiles", "--json").must(0)
    assert done.row == {"name": "local", "url": url, "key": KEY, "org": org.org, "default": True}
    table = bare("profiles").must(0)
    assert SECRET not in table.out + table.err + done.out


def test_on_a_terminal_the_secret_is_asked_for_and_not_shown(
    bare: Command, service: ServiceProcess
) -> None:
    terminal = bare.on_terminal("login", "--url", f"http://127.0.0.1:{service.port}")
    terminal.shows("Key: ")
    terminal.type(f"{KEY}\n")
    terminal.shows("Secret: ")
    terminal.type(f"{SECRET}\n")
    done = terminal.ended().must(0)
    assert SECRET not in done.out
    assert bare("doctor").must(0).err.splitlines()[-1] == "Next: tidings tail"


def test_what_the_service_does_not_know_is_not_kept(bare: Command, service: ServiceProcess) -> None:
    url = f"http://127.0.0.1:{service.port}"
    done = bare("login", "--url", url, stdin="boss:wrong\n").must(4)
    assert "nothing was saved" in done.err
    bare("login", "--url", "http://127.0.0.1:1", stdin=f"{KEY}:{SECRET}\n").must(5)
    assert not (bare.home / ".config/tidings/profiles.toml").exists()


@pytest.mark.parametrize("said", ["", "boss\n", ":x\n", "boss:\n"])
def test_half_a_credential_is_told(bare: Command, said: str) -> None:
    assert bare("login", stdin=said).must(2).err.startswith("The credential must be a key and a")


def test_a_profile_can_be_made_the_default_and_forgotten(bare: Command) -> None:
    file = bare.home / ".config/tidings/profiles.toml"
    write_profiles(file, BOTH)
    bare("profiles", "use", "live").must(0)
    assert read_profiles(file).default == "live"
    bare("profiles", "delete", "live").must(0)
    assert read_profiles(file) == Profiles({"local": LOCAL}, "")
    done = bare("profiles", "use", "live").must(3)
    assert done.err.startswith("NAME must be one of the profiles (local); got live.")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_is_refused(bare: Command, mode: int) -> None:
    file = bare.home / ".config/tidings/profiles.toml"
    write_profiles(file, BOTH)
    file.chmod(mode)
    done = bare("webhooks", "list").must(2)
    assert "must be readable only by you" in done.err and f"chmod 600 {file}" in done.err


@pytest.mark.parametrize("text", ["x = [", "[profiles.a]\nurl = 1\nkey='k'\nsecret='s'", "\xff"])
def test_a_broken_file_is_told_without_its_secrets(bare: Command, text: str) -> None:
    file = bare.home / ".config/tidings/profiles.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text, "latin-1")
    file.chmod(0o600)
    assert "must be TOML as `tidings login` writes it" in bare("webhooks", "list").must(2).err


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a" / "profiles.toml"
    write_profiles(file, BOTH)
    assert read_profiles(file) == BOTH
    assert [path.name for path in file.parent.iterdir()] == ["profiles.toml"]


@pytest.mark.parametrize(
    ("where", "environ", "url", "key", "org"),
    [
        (Where(), {}, LOCAL.url, "k:s", 7),
        (Where(org=9), {}, LOCAL.url, "k:s", 9),
        (Where(profile="live"), {}, LIVE.url, 'k2:q"\\\x7f', None),
        (Where(), {"TIDINGS_PROFILE": "live"}, LIVE.url, 'k2:q"\\\x7f', None),
        (Where(), {"TIDINGS_KEY": "a:b"}, "http://127.0.0.1:8080", "a:b", None),
        (Where(), {"TIDINGS_KEY": "a", "TIDINGS_SECRET": "b"}, LOCAL.url, "a:b", None),
        (Where(), {"TIDINGS_KEY": "a:b", "TIDINGS_URL": "http://x"}, "http://x", "a:b", None),
        (Where(), {"TIDINGS_KEY": "a:b", "TIDINGS_ORG": "5"}, LOCAL.url, "a:b", 5),
        (
            Where(url="http://y"),
            {"TIDINGS_KEY": "a:b", "TIDINGS_URL": "http://x"},
            "http://y",
            "a:b",
            None,
        ),
        (Where(profile="local"), {"TIDINGS_KEY": "a:b", "TIDINGS_ORG": "5"}, LOCAL.url, "k:s", 7),
    ],
)
def test_the_stronger_source_wins(
    where: Where, environ: dict[str, str], url: str, key: str, org: int | None
) -> None:
    found = choose(where, environ, BOTH)
    assert (found.url, found.key, found.org) == (url, key, org)


def test_a_url_of_the_environment_never_gets_the_secret_of_a_profile() -> None:
    with pytest.raises(CommandExit, match="TIDINGS_URL must go with TIDINGS_KEY") as stop:
        choose(Where(), {"TIDINGS_URL": "http://elsewhere.example"}, BOTH)
    assert stop.value.code is Exit.USAGE
    assert choose(Where(), {"TIDINGS_URL": LOCAL.url + "/"}, BOTH).url == LOCAL.url


def test_no_credential_at_all_says_where_to_get_one() -> None:
    with pytest.raises(CommandExit, match="`tidings login` keeps it"):
        choose(Where(), {}, Profiles())


def test_a_profile_does_not_show_its_secret_when_it_is_printed() -> None:
    assert "'s'" not in repr(LOCAL)
