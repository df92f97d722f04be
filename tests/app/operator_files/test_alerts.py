"""The operator's alert channels: read from their file, and refused by the place that is wrong."""

from pathlib import Path

import pytest

from tidings.app.operator_files.alerts import load_alerts
from tidings.app.operator_files.operator_file import FileRefused
from tidings.core.alerts.channel import CHANNELS_MAX, ChannelType

PAGER = '[on-call]\ntype = "pagerduty"\nroutingKey = "${PAGERDUTY_KEY}"\ndelaySeconds = 300\n'


def file_of(folder: Path, text: str) -> Path:
    path = folder / "alerts.toml"
    path.write_text(text)
    return path


def test_a_channel_is_read_with_its_secret_from_the_environment(tmp_path: Path) -> None:
    text = PAGER + '[on-call.quiet]\ndays = ["sat", "sun"]\n'
    found = load_alerts(file_of(tmp_path, text), {"PAGERDUTY_KEY": "abcd1234"})
    channel = found["on-call"]
    assert (channel.name, channel.type) == ("on-call", ChannelType.PAGERDUTY)
    assert (channel.routing_key, channel.delay_s) == ("abcd1234", 300)
    assert channel.quiet.days == ("sat", "sun")
    assert load_alerts(None) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PAGER, r"\[on-call\] routingKey .*PAGERDUTY_KEY"),
        ("[On_call]\n", r"\[On_call\] must be a table whose name is"),
        ('chat = "x"\n', r"\[chat\] must be a table"),
        ('[chat]\ntype = "irc"\n', r"\[chat\] type must be"),
        ('[chat]\ntype = "slack"\n', r"\[chat\] url must be given"),
        ("".join(f"[a-{n}]\n" for n in range(CHANNELS_MAX + 1)), r"must be one of at most 20"),
        ("[chat", "must be TOML"),
    ],
)
def test_what_is_wrong_is_refused_by_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(FileRefused, match=said):
        load_alerts(file_of(tmp_path, text), {})
