"""Runs every benchmark and prints a line for each; never a verdict, for machines differ."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from tests.benchmarks import bench_output, bench_survey, bench_training, gathering
from tests.benchmarks.measure import Figure, NotMeasured
from tests.benchmarks.releasing import force_unlock
from tests.benchmarks.replaying import replay
from tests.benchmarks.starting import first_paint, idle, lock_on_screen
from tests.benchmarks.world import World, world

NEED_A_WORLD = (
    "cold start to first paint",
    "cold start to the live lock on screen",
    "idle on a live lock",
    "force-unlock from the backend-only root",
)


def _in_a_world(here: World, *, quick: bool) -> Iterator[Figure | NotMeasured]:
    rounds = 3 if quick else 11
    yield first_paint(here, rounds)
    yield lock_on_screen(here, rounds)
    yield idle(here, 15 if quick else 60)
    yield from force_unlock(here, 1 if quick else 5)


def main() -> int:
    """Print the figures, each as soon as it is known."""
    parser = argparse.ArgumentParser(description="Measure tflock-tui beside its peers, in one run.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, 15 s of idling")
    quick = parser.parse_args().quick
    with world() as here:
        if here is None:
            missing = [NotMeasured(what, "there is no terraform on PATH") for what in NEED_A_WORLD]
            _print(missing)
        else:
            _print(_in_a_world(here, quick=quick))
    _print([replay(1 if quick else 5)])
    _print([gathering.rows(1 if quick else 5), *gathering.keys(40 if quick else 200)])
    _print(bench_output.measure(quick=quick))
    _print(bench_training.measure(quick=quick))
    if not quick:
        bench_survey.main()
    return 0


def _print(figures: Iterable[object]) -> None:
    for figure in figures:
        sys.stdout.write(f"{figure}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
