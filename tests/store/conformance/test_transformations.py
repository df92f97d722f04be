"""Conformance: transformations are kept by version, per org, and none is lost."""

import pytest

from tests.store.conformance.subject import Subject
from tidings.core.ids import OrgId
from tidings.store import port


def put(
    subject: Subject, version: int, template: str | None, org: int = 7, name: str = "crm"
) -> port.StoredTransformation:
    fresh = port.StoredTransformation(OrgId(org), name, version, template, "key-1")
    return subject.ask(lambda store: store.put_transformation(fresh))


def test_the_newest_version_of_each_is_loaded(subject: Subject) -> None:
    assert list(subject.ask(lambda store: store.load_transformations())) == []
    put(subject, 1, "{}")
    second = put(subject, 2, '{"a": 1}')
    other = put(subject, 1, "{}", org=8)
    put(subject, 1, "{}", name="old")
    gone = put(subject, 2, None, name="old")
    assert second.created_ms > 0
    subject.reopen()
    loaded = subject.ask(lambda store: store.load_transformations())
    assert list(loaded) == [second, gone, other]


def test_versions_come_newest_first_and_stay_with_their_org(subject: Subject) -> None:
    kept = [put(subject, version, f'{{"v": {version}}}') for version in (1, 2, 3)]
    put(subject, 1, "{}", org=8)
    found = subject.ask(lambda store: store.transformation_versions(OrgId(7), "crm", 2))
    assert list(found) == [kept[2], kept[1]]
    assert list(subject.ask(lambda store: store.transformation_versions(OrgId(9), "crm", 2))) == []


def test_a_version_is_written_once(subject: Subject) -> None:
    put(subject, 1, "{}")
    with pytest.raises(port.StaleChange):
        put(subject, 1, '{"a": 1}')
    [only] = subject.ask(lambda store: store.transformation_versions(OrgId(7), "crm", 9))
    assert only.template == "{}"


def test_templates_keep_every_character(subject: Subject) -> None:
    template = "{{ 'é\u2028\\' }}\n{# \x7f #}" + "x" * 30_000
    assert put(subject, 1, template).template == template
    assert subject.ask(lambda store: store.load_transformations())[0].template == template
