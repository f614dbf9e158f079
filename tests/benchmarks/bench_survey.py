"""Finding every state of a large repository, and reading a thousand locks, beside what one would compare them with.

Run it: `python -m tests.benchmarks.bench_survey [DIRECTORY]`. It prints ratios; seconds depend on the machine.

"A fresh process" is counted twice for the screen. From the start of the process every figure holds the interpreter and
Textual, which alone take longer than `git grep`; and above the application's own start, which is the same screen on a
repository of one root module, measured in turns. The finder's and the command's figures hold the interpreter.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import in_pty, peak_memory
from tests.benchmarks.monorepo import ROOTS, write_monorepo

RUNS = 7
LOCKS = 1000
_APP = (sys.executable, "-m", "tuirunbook")
TABLE = "locks"
_MARKS = (("process", "whole process", 10), ("literal", "every literal block", 4), ("first", "the own root", 4))

FIND = """
import json, resource, sys, time
began = time.perf_counter()
from pathlib import Path
from tuirunbook.core.state import State
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
from tuirunbook.repository.remembered import Remembered, remembered_in
from tuirunbook.repository.states import States
top, start, cache = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
remembered = remembered_in(Path(cache), str(top)) if cache else Remembered()
first = literal = 0.0
count = 0
out = open("/dev/null", "w")
for state in States(top, top, environ={}, remembered=remembered).all(start):
    print(state.root.name, state.root.workspace, state.source, file=out)
    count += 1
    now = time.perf_counter() - began
    first = first or now
    if state.source.startswith("block"):
        literal = now
everything = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"count": count, "first": first, "literal": literal, "all": everything, "memory": peak - before}))
"""


def main() -> None:
    """Measure both, and print."""
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch) / "monorepo"
        if not top.exists():
            write_monorepo(top)
        top = top.resolve()
        found = _finding(top, Path(scratch) / "cache")
        _showing(top, Path(scratch), found)
    _reading()


def _finding(top: Path, cache: Path) -> int:
    """The finder alone, without a screen; how many states there are."""
    start = str(top / "live" / "team-07" / f"stack-{ROOTS - 18:04}")
    greps: list[float] = []
    runs: dict[str, list[dict[str, float]]] = {"fresh": [], "second": []}
    _find(top, start, str(cache))
    for _ in range(RUNS):
        # side by side, so that what else this machine does is shared
        greps.append(_grep(top))
        runs["fresh"].append(_find(top, start, ""))
        runs["second"].append(_find(top, start, str(cache)))
    baseline = statistics.median(greps)
    _print(f"git grep -l backend{'':26}{baseline * 1000:8.0f} ms")
    for name, label in (("fresh", "first start"), ("second", "second start, unchanged")):
        for key, what, most in _MARKS:
            seconds = statistics.median(run[key] for run in runs[name])
            ratio = f"{seconds / baseline:5.2f} x  (at most {most})"
            _print(f"{label}: {what:<{44 - len(label)}}{seconds * 1000:8.0f} ms  {ratio}")
    memory = max(run["memory"] for run in runs["fresh"]) / 1024
    _print(f"memory above the empty process {memory:23.0f} MB  (at most 120)")
    _print(f"states found {runs['fresh'][0]['count']:41.0f}")
    return int(runs["fresh"][0]["count"])


def _showing(top: Path, scratch: Path, found: int) -> None:
    """The screen in a terminal, from the start of its process; and the command that prints the same."""
    home = scratch / "home"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    one = scratch / "one"
    write_monorepo(one, roots=1, files=5)
    own = top / "live" / "team-07" / f"stack-{ROOTS - 18:04}"
    seconds: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}

    def screen(what: str, cwd: Path, text: str, *, first: bool = False) -> None:
        if first:
            shutil.rmtree(home, ignore_errors=True)
        with in_pty((*_APP, "--states"), env, cwd) as pty:
            seconds.setdefault(what, []).append(pty.until(text.encode()))
            peaks.setdefault(what, []).append(peak_memory(pty.process.pid))

    def command() -> object:
        return subprocess.run((*_APP, "locks", "--offline"), cwd=top, env=env, capture_output=True, check=False)

    for _ in range(RUNS + 1):
        seconds.setdefault("git grep", []).append(_grep(top))
        screen("one", one, "2 states")
        screen("all", top, f"{found:,} states", first=True)
        screen("again", top, f"{found:,} states")
        screen("own", own, own.name)
        seconds.setdefault("command", []).append(_timed(command))
    # the first round fills the caches of the disk
    median = {what: statistics.median(taken[1:]) for what, taken in seconds.items()}
    for what, label, above in (
        ("one", "screen, a repository of one root", False),
        ("own", "screen: the own root", False),
        ("all", "screen: all rows", False),
        ("all", "screen: all rows, above the application's start", True),
        ("again", "screen: all rows, second start, likewise", True),
        ("command", "locks --offline, whole command", False),
    ):
        taken = median[what] - (median["one"] if above else 0)
        limit = "  (at most 4)" if above else "  (at most 10)" if what == "command" else ""
        _print(f"{label:<52}{taken * 1000:6.0f} ms  {taken / median['git grep']:5.2f} x{limit}")
    more = max(peaks["all"]) - min(peaks["one"])
    _print(f"screen: memory above that of one root {more:17.0f} MB  (at most 120)")


def _grep(top: Path) -> float:
    argv = ["git", "-C", str(top), "grep", "-l", "backend"]
    return _timed(lambda: subprocess.run(argv, stdout=subprocess.DEVNULL, check=True))


def _find(top: Path, start: str, cache: str) -> dict[str, float]:
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", FIND, str(top), start, cache], capture_output=True, text=True, check=True, env=environ
    )
    process = time.perf_counter() - began
    told: dict[str, float] = json.loads(ran.stdout)
    # what python itself takes before the first line counts for every mark
    before = process - told["all"]
    return {**told, "first": told["first"] + before, "literal": told["literal"] + before, "process": process}


def _reading() -> None:
    from tests.support.aws import EmbeddedAws  # noqa: PLC0415 - slow; only this half needs it
    from tuirunbook.core.backend import Backend, RootModule  # noqa: PLC0415 - likewise
    from tuirunbook.locks.bulk import BulkReader  # noqa: PLC0415 - likewise
    from tuirunbook.locks.clients import clients  # noqa: PLC0415 - likewise

    with EmbeddedAws() as aws:
        aws.create_backend("acme", TABLE)
        _fill(aws)
        environ = aws.environ()
        arguments = {"bucket": "acme", "region": environ["AWS_REGION"], "dynamodb_table": TABLE}
        roots = [
            RootModule(
                directory=None,
                name=f"r{number}",
                backend=Backend(type="s3", arguments={**arguments, "key": f"r{number}"}),
            )
            for number in range(LOCKS)
        ]
        client = aws.client("dynamodb")
        bare: list[float] = []
        ours: list[float] = []
        reader = BulkReader(lambda root: clients(root.backend, environ=environ))
        for _ in range(RUNS + 1):
            bare.append(_timed(lambda: _bare_loop(client)))
            ours.append(_timed(lambda: _read_all(reader, roots)))
    # the first run of each makes its connections
    baseline, seconds = statistics.median(bare[1:]), statistics.median(ours[1:])
    _print(f"bare loop of {LOCKS // 100} BatchGetItem{'':23}{baseline * 1000:8.0f} ms")
    ratio = f"{seconds / baseline:5.2f} x  (at most 1.5)"
    _print(f"{LOCKS} locks read, parsed and told{'':17}{seconds * 1000:8.0f} ms  {ratio}")


def _fill(aws: Any) -> None:
    client = aws.client("dynamodb")
    for number in range(LOCKS):
        info = {
            "ID": f"ac79d869-c060-d8c3-b079-{number:012x}",
            "Operation": "OperationTypeApply",
            "Who": "root@runner-7",
            "Created": "2026-11-23T09:26:22.850832286Z",
            "Path": f"acme/r{number}",
        }
        item = {"LockID": {"S": f"acme/r{number}"}, "Info": {"S": json.dumps(info)}}
        client.put_item(TableName=TABLE, Item=item)


def _bare_loop(client: Any) -> None:
    for start in range(0, LOCKS, 100):
        keys = [{"LockID": {"S": f"acme/r{number}"}} for number in range(start, start + 100)]
        answer = client.batch_get_item(RequestItems={TABLE: {"Keys": keys, "ConsistentRead": True}})
        if len(answer["Responses"][TABLE]) != len(keys):
            raise AssertionError


def _read_all(reader: Any, roots: list[Any]) -> None:
    if sum(snapshot.held for _, snapshot in reader.read(roots)) != LOCKS:
        raise AssertionError


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - a benchmark's output


if __name__ == "__main__":
    main()
