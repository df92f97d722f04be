"""Times and numbers as people of a country and a zone write them, and nothing that costs much."""

import json
import time
from typing import Any

import pytest

from tidings.transform.port import TextTemplate
from tidings.transform.sandbox import Sandbox, Unrenderable

AT = 1770764400000  # 2026-02-10T23:00:00Z


def text(template: str, **data: Any) -> str:
    event = json.dumps({"data": {"at": AT} | data}).encode()
    [made] = Sandbox().texts([TextTemplate(template)], event)
    return made


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("{{ data.at|time }}", "2026-02-10"),
        ("{{ data.at|time('%d.%m.%Y %H:%M', 'Europe/Berlin') }}", "11.02.2026 00:00"),
        ("{{ data.at|time('%Y-%m-%dT%H:%M:%S%:z', data.zone) }}", "2026-02-11T04:30:00+05:30"),
        ("{{ data.at|time(zone='Asia/Kolkata') }}", "2026-02-11"),
        ("{{ data.at|time('%I:%M %p, %d/%m/%y %z') }}", "11:00 PM, 10/02/26 +0000"),
        ("{{ data.at|time('%H', data.none) }}{{ data.at|time('%H', 'Nowhere') }}", "2323"),
        ("{{ data.at|time('%H', '../../etc/passwd') }}", "23"),
        ("{{ '1770764400000'|time }}", "2026-02-10"),
        ("{{ '2026-08-31'|time('%d.%m.%Y', 'America/Los_Angeles') }}", "31.08.2026"),
        ("{{ '2026-08-31T23:30:00Z'|time('%d.%m.%Y%%', 'Asia/Kolkata') }}", "01.09.2026%"),
        ("[{{ data.none|time }}{{ data.a.b|time('%H') }}{{ ''|time }}]", "[]"),
    ],
)
def test_a_time_is_written_by_the_clock_of_a_zone(template: str, made: str) -> None:
    assert text(template, zone="Asia/Kolkata", none=None) == made


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("{{ 1234.5|number(2, ',', '.') }}", "1.234,50"),
        ("{{ 1234567|number(group=',') }}", "1,234,567"),
        ("{{ 86.0|number }}", "86"),
        ("{{ data.amount|number(2) }}", "86.50"),
        ("{{ 0.125|number(2) }} {{ (-0.005)|number(2) }} {{ 2.5|number }}", "0.13 -0.01 3"),
        ("{{ '12.345'|number(1) }}", "12.3"),
        ("[{{ data.none|number }}{{ data.a.b|number }}]", "[]"),
    ],
)
def test_a_number_is_written_as_a_country_does(template: str, made: str) -> None:
    assert text(template, amount=86.5, none=None) == made


@pytest.mark.parametrize(
    "template",
    [
        "{{ data.at|time('%B') }}",
        "{{ data.at|time('%1000000000d') }}",
        "{{ data.at|time('%') }}",
        "{{ data.at|time('%%%') }}",
        "{{ data.at|time('%Y' * 100) }}",
        "{{ data.at|time(data.long) }}",
        "{{ data.at|time('%Y', 'UTC', 3) }}",
        "{{ 9999999999999999|time }}",
        "{{ 253402300799999|time('%Y', 'Asia/Kolkata') }}",
        "{{ 'secret-of-the-customer'|time }}",
        "{{ data|time }}",
        "{{ true|time }}",
        "{{ '1e999999999'|number }}",
        "{{ 'NaN'|number }}",
        "{{ 'secret-of-the-customer'|number }}",
        "{{ data.long|number }}",
        "{{ 1|number(99999999) }}",
        "{{ 1|number(2, data.long) }}",
        "{{ [1]|number }}",
    ],
)
def test_what_does_not_fit_fails_soon_and_without_the_value(template: str) -> None:
    began_s = time.process_time()
    with pytest.raises(Unrenderable) as told:
        text(template, long="9" * 100_000)
    assert time.process_time() - began_s < 1
    assert "secret-of" not in str(told.value) and "99999" not in str(told.value)


def test_a_transformation_has_them_as_texts_of_json() -> None:
    event = json.dumps({"data": {"at": AT}}).encode()
    made = Sandbox().render('{"day": {{ data.at|time }}, "sum": {{ 1.5|number(2) }}}', event)
    assert json.loads(made) == {"day": "2026-02-10", "sum": "1.50"}
