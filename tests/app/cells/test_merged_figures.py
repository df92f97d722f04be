"""The figures of several cells as one page."""

from tidings.api.cells.health import merge_figures
from tidings.core.cells.families import CellId

ONE, TWO, THREE = CellId(1), CellId(2), CellId(3)
HEAD = "# HELP a About it.\n# TYPE a counter\n"


def test_each_figure_has_its_cell_and_each_name_its_head_once() -> None:
    page = merge_figures({TWO: HEAD + 'a{x="}"} 2.0\n', ONE: HEAD + "a 1.0\n"}, [THREE])
    assert page.splitlines()[:4] == [
        "# HELP a About it.",
        "# TYPE a counter",
        'a{cell="1"} 1.0',
        'a{cell="2",x="}"} 2.0',
    ]
    assert page.splitlines()[-3:] == [
        'tidings_cell_up{cell="1"} 1',
        'tidings_cell_up{cell="2"} 1',
        'tidings_cell_up{cell="3"} 0',
    ]


def test_what_is_no_figure_is_left_out_and_a_figure_of_one_cell_alone_is_there() -> None:
    page = merge_figures({ONE: HEAD + "<html>\na 1\nb\n", TWO: "# TYPE b gauge\nb 3\n"}, [])
    assert "<html>" not in page
    assert 'a{cell="1"} 1\n# TYPE b gauge\nb{cell="2"} 3\n' in page


def test_a_figure_that_names_its_cell_itself_keeps_it() -> None:
    page = merge_figures({TWO: HEAD + 'a{x="1",cell="2"} 2.0\n'}, [])
    assert page.splitlines()[2] == 'a{x="1",cell="2"} 2.0'


def test_a_histogram_is_merged_with_all_its_samples_under_one_head() -> None:
    head = "# HELP h About it.\n# TYPE h histogram\n"
    samples = 'h_bucket{le="1.0"} 1.0\nh_bucket{le="+Inf"} 2.0\nh_count 2.0\nh_sum 3.5\n'
    page = merge_figures({ONE: head + samples, TWO: head + samples}, [])
    assert page.count("# TYPE h histogram") == 1
    for cell in ("1", "2"):
        assert f'h_bucket{{cell="{cell}",le="+Inf"}} 2.0\n' in page
        assert f'h_count{{cell="{cell}"}} 2.0\nh_sum{{cell="{cell}"}} 3.5\n' in page
