"""What the guide has an operator copy for a failover is what the drills run with."""

from pathlib import Path

from tests.drills.patroni import SETTINGS

PAGE = Path(__file__).parents[3] / "docs" / "postgresql.md"


def test_the_settings_of_patroni_are_those_that_were_tried() -> None:
    _, _, after = PAGE.read_text("utf-8").partition("```yaml\n")
    shown, _, _ = after.partition("```")
    assert shown == SETTINGS.lstrip("\n")
