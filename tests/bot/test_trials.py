"""An update with which the process dies is found, and no other is taken for it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.trials import (
    MOST_FILES,
    MOST_SUSPECTS,
    ON_TRIAL,
    PLACES,
    SUSPECT,
    Entry,
    Trials,
    judged,
    trials_in,
)


class Folder:
    """Where one process after the other keeps its trials; each dies, and its lock goes with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.alive: list[Trials] = []

    def born(self) -> Trials:
        self.alive.append(trials_in(self.path))
        return self.alive[-1]

    def dies(self, trials: Trials) -> None:
        assert trials._file is not None
        os.close(trials._file)
        trials._file = None

    def death_with(self, *update_ids: int) -> None:
        """Let a process be born and die while it handles these."""
        trials = self.born()
        for each in update_ids:
            trials.on(each).__enter__()
        self.dies(trials)

    def found(self) -> dict[int, int]:
        trials = self.born()
        found = dict(trials._suspects)
        trials.close()
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    for trials in made.alive:
        trials.close()


@pytest.mark.parametrize(
    ("left", "suspects"),
    [
        ([], {}),
        ([(1, 0, ON_TRIAL)], {1: 1}),
        ([(1, 3, ON_TRIAL)], {1: 4}),
        ([(1, 0, ON_TRIAL), (2, 0, ON_TRIAL)], {1: 0, 2: 0}),
        ([(1, 2, SUSPECT), (2, 0, ON_TRIAL)], {1: 2, 2: 1}),
        ([(1, 2, SUSPECT)], {1: 0}),
        ([(1, 4, SUSPECT), (2, 0, ON_TRIAL), (3, 0, ON_TRIAL)], {1: 0, 2: 0, 3: 0}),
        ([(n, 0, SUSPECT) for n in range(99)], dict.fromkeys(range(MOST_SUSPECTS), 0)),
    ],
)
def test_only_a_death_alone_on_trial_counts_and_any_other_acquits(
    left: list[Entry], suspects: dict[int, int]
) -> None:
    assert judged(left) == suspects


def test_what_was_on_trial_at_a_death_is_known_afterwards(folder: Folder) -> None:
    folder.death_with(7, 8)
    assert folder.found() == {7: 0, 8: 0}

    for _ in range(3):
        folder.death_with(8)
    trials = folder.born()
    assert [trials.deaths_of(each) for each in (7, 8, 9, None)] == [0, 3, None, None]


@pytest.mark.parametrize("at_that_death", [(), (7, 9)])
def test_a_death_of_something_else_acquits(folder: Folder, at_that_death: tuple[int, ...]) -> None:
    folder.death_with(8)
    folder.death_with(8)
    folder.death_with(*at_that_death)

    assert folder.found() == dict.fromkeys((8, *at_that_death), 0)


def test_what_came_to_an_end_is_forgotten_and_what_failed_is_not(folder: Folder) -> None:
    folder.death_with(7)
    trials = folder.born()
    with pytest.raises(OSError), trials.on(7):  # noqa: PT011 - any error
        raise OSError
    with pytest.raises(OSError), trials.on(8):  # noqa: PT011 - any error
        raise OSError
    assert trials.deaths_of(7) == 1

    with trials.on(7), trials.on(9):
        pass
    folder.dies(trials)

    assert folder.found() == {}


def test_what_an_orderly_end_cut_off_is_no_suspect(folder: Folder) -> None:
    trials = folder.born()
    with pytest.raises(KeyboardInterrupt), trials.on(7):
        raise KeyboardInterrupt
    trials.close()

    assert folder.found() == {}


def test_what_hangs_when_the_process_is_ended_stands_on_trial(folder: Folder) -> None:
    trials = folder.born()
    with pytest.raises(KeyboardInterrupt), trials.on(7):
        raise KeyboardInterrupt
    folder.dies(trials)

    assert folder.found() == {7: 1}


def test_it_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from bot.trials import trials_in;"
        "trials_in(pathlib.Path(sys.argv[1])).on(2**40).__enter__();"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path], check=False)
    trials = trials_in(tmp_path)
    deaths = trials.deaths_of(2**40)
    trials.close()

    assert deaths == 1


def test_processes_that_share_a_folder_have_a_file_each(folder: Folder) -> None:
    one, other = folder.born(), folder.born()
    one.on(1).__enter__()
    other.on(2).__enter__()
    folder.dies(one)
    third = folder.born()

    assert third.deaths_of(1) == 1
    assert third.deaths_of(2) is None
    assert sorted(path.name for path in folder.path.iterdir()) == ["trials-1", "trials-2"]


def test_where_no_file_can_be_had_it_goes_on_without(folder: Folder) -> None:
    with capture_logs() as said:
        nowhere = trials_in(folder.path / "nowhere")
        every = [folder.born() for _ in range(MOST_FILES + 1)]
    with nowhere.on(1), every[-1].on(1):
        pass

    assert [line["event"] for line in said] == ["trials_not_kept"] * 2


def test_a_file_that_cannot_be_written_is_given_up_and_said_once(folder: Folder) -> None:
    trials = folder.born()
    folder.dies(trials)
    trials._file = os.open(folder.path / "trials-1", os.O_RDONLY)
    with capture_logs() as said, trials.on(1), trials.on(2):
        pass

    assert [line["event"] for line in said] == ["trials_not_written"]


@pytest.mark.parametrize("rubbish", [b"", b"x", b"\xff" * 999, bytes(range(256)) * 20])
def test_any_content_is_taken(folder: Folder, rubbish: bytes) -> None:
    (folder.path / "trials-1").write_bytes(rubbish)

    assert len(folder.found()) <= MOST_SUSPECTS
    assert (folder.path / "trials-1").stat().st_size >= PLACES * 16


def test_more_at_once_than_there_is_room_for(folder: Folder) -> None:
    folder.death_with(*range(PLACES + 5))
    found = folder.found()

    assert len(found) == MOST_SUSPECTS
    assert set(found.values()) == {0}
