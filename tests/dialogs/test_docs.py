"""The pages that are made from the content are up to date."""

from pathlib import Path

import pytest

from dialogs.content import load_scenario, load_vignettes
from docs.render import DOCS, pages, rule_words, scenario_page, write

SCENARIO = load_scenario()


@pytest.mark.parametrize("name", ["scenarios/mat_pain.md", "phases.mmd"])
def test_a_page_is_as_new_as_what_it_is_made_from(name: str) -> None:
    assert (DOCS / name).read_text("utf-8") == pages()[name], "run `make docs`"


def test_the_page_for_clinicians_holds_everything_that_is_said() -> None:
    page = scenario_page(SCENARIO, load_vignettes())

    assert all(found.text in page for found in SCENARIO.considerations)
    assert all(banner.text in page for banner in SCENARIO.banners)
    assert all(step.ask in page for step in SCENARIO.steps)
    assert all(option.label in page for q in SCENARIO.questions for option in q.options)
    assert all(source.title in page for source in SCENARIO.sources)
    assert SCENARIO.hash[:16] in page


def test_a_rule_reads_as_a_sentence() -> None:
    assert rule_words(SCENARIO.consideration("DUR2").when, SCENARIO) == (
        "_a full opioid agonist for pain; buprenorphine and the MAT itself never count_ "
        "(`mu_opioid`) **and** _no written stop or taper date_ (`no_end_date`) **and** "
        "Duration is not known to be Not started - being considered/planned"
    )


def test_the_pages_are_written_where_they_belong(tmp_path: Path) -> None:
    said: list[str] = []
    write(tmp_path, said.append)

    assert set(pages()) <= set(said)
    assert (tmp_path / "scenarios" / "mat_pain.md").read_text("utf-8").startswith("# MAT plus")
