"""The price list: every feature can be left out, and a service without it closes its ledger."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.prices import figure
from bench.prices.features import FEATURES, Feature, feature_of
from bench.report import VOID, Options

ROOT = Path(__file__).parents[2]


def test_each_feature_is_left_out_in_one_way() -> None:
    names = [feature.name for feature in FEATURES]
    assert len(set(names)) == len(names)
    for feature in FEATURES:
        assert (feature.take is None) == bool(feature.fields), feature.name
        assert feature_of(feature.name) is feature


@pytest.mark.parametrize(
    "feature", [feature for feature in FEATURES if feature.take], ids=lambda feature: feature.name
)
def test_a_command_without_a_feature_is_the_same_command(feature: Feature) -> None:
    words = [sys.executable, "-m", "bench.prices.without", feature.name, "--version"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip()


@pytest.mark.systems
def test_the_price_of_one_feature_is_told_where_both_ledgers_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(figure, "WEBHOOKS", 1)
    options = Options(
        features=("signature",),
        pairs=1,
        seconds=0.2,
        connections=8,
        patience_seconds=0.0,
        folder=tmp_path,
    )
    rows = figure.run(options)
    assert rows[0].what == "signature: CPU µs/event"
    assert [row for row in rows if row.verdict == VOID] == []
