"""Pages for strangers are made once, and whoever asks for many different ones keeps none of us."""

from tidings.console.kept_pages import KEY_MAX, PAGES_MAX, KeptPages


def test_a_page_is_made_once_for_each_address_and_its_words() -> None:
    pages = KeptPages()
    made: list[int] = []

    def make() -> str:
        made.append(1)
        return f"<p>{len(made)}</p>"

    first = pages.find("a.html", "/a?", {"message": "", "status": 404}, make)
    assert pages.find("a.html", "/a?", {"status": 404, "message": ""}, make) is first
    others = (
        ("b.html", "/a?", {"message": "", "status": 404}),
        ("a.html", "/a?to=/b", {"message": "", "status": 404}),
        ("a.html", "/a?", {"message": "no", "status": 404}),
        ("a.html", "/a?", {"message": "", "status": "404"}),
    )
    for template, address, words in others:
        assert pages.find(template, address, words, make).plain != first.plain


def test_what_is_kept_is_bounded_in_number_and_in_the_size_of_a_key() -> None:
    pages = KeptPages()
    wanted = pages.find("a.html", "/wanted", {}, lambda: "wanted")
    for number in range(5 * PAGES_MAX):
        pages.find("a.html", f"/{number}", {}, lambda: "x" * 2000)
        assert pages.find("a.html", "/wanted", {}, lambda: "made anew") is wanted
    assert len(pages) == PAGES_MAX
    pages.find("a.html", "/" + "x" * KEY_MAX, {}, lambda: "long")
    assert pages.find("a.html", "/o", {"asked": object()}, lambda: "of something else").plain
    assert len(pages) == PAGES_MAX


def test_a_page_is_compressed_once_where_that_is_worth_it() -> None:
    pages = KeptPages()
    assert pages.find("a.html", "/", {}, lambda: "short").packed == b""
    assert 0 < len(pages.find("a.html", "/long", {}, lambda: "x" * 5000).packed) < 500
