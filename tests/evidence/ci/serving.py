"""CI systems on loopback: real HTTP servers that answer in the documented shapes and check what they are asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


class Asked:
    """A request as it came in."""

    def __init__(self, path: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(path)
        self.path = parts.path
        self.query = parse_qsl(parts.query, keep_blank_values=True)
        self.headers = {name.lower(): value for name, value in headers.items()}

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def one(self, name: str, default: str = "") -> str:
        return next(iter(self.all(name)), default)


Reply = tuple[int, Mapping[str, str], bytes]
Answering = Callable[[Asked], Reply]


def as_json(value: Any, status: int = 200, /, **headers: str) -> Reply:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return status, {"Content-Type": "application/json; charset=utf-8", **named}, json.dumps(value).encode()


def as_text(value: str, status: int = 200, kind: str = "text/plain") -> Reply:
    return status, {"Content-Type": kind}, value.encode()


class Serving:
    """A server and everything that it was asked.

    Attributes:
        answer: What answers; tests replace it to make it fail.
        skew: How far its clock is ahead.
        asked: The requests, in their order.
    """

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.skew = timedelta(0)
        self.asked: list[Asked] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = Asked(self.path, dict(self.headers))
                outer.asked.append(asked)
                status, headers, body = outer.answer(asked)
                self.send_response_only(status)
                self.send_header("Date", format_datetime(datetime.now(UTC) + outer.skew, usegmt=True))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(answer: Answering) -> Iterator[Serving]:
    server = Serving(answer)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def paged(asked: Asked, found: list[Any], base: str, default: int = 30) -> tuple[list[Any], dict[str, str]]:
    """One page of a list, and the `Link` header that names the next."""
    size, page = int(asked.one("per_page", str(default))), int(asked.one("page", "1"))
    assert size <= 100, "the documented APIs take at most 100"
    start = (page - 1) * size
    headers = {}
    if start + size < len(found):
        rest = "&".join(f"{name}={value}" for name, value in asked.query if name != "page")
        headers["Link"] = f'<{base}{asked.path}?{rest}&page={page + 1}>; rel="next", <{base}{asked.path}>; rel="last"'
    return found[start : start + size], headers


class GitHubServer:
    """GitHub's REST API for one repository, as far as it is documented for Actions."""

    TOKEN = "ghs_forTheLoopbackServerOnly00000000"

    def __init__(self, repository: str = "acme/infra", prefix: str = "") -> None:
        self.repository = repository
        self.prefix = prefix
        self.runs: list[dict[str, Any]] = []
        self.jobs: dict[int, list[dict[str, Any]]] = {}
        self.logs: dict[int, str] = {}
        self.annotations: dict[int, list[dict[str, Any]]] = {}
        self.workflows: list[dict[str, Any]] = []
        self.pulls: dict[int, dict[str, Any]] = {}
        self.storage = ""
        self.base = ""

    def add_run(self, number: int, **fields: Any) -> dict[str, Any]:
        run = {
            "id": number,
            "name": "deploy",
            "run_number": number % 1000,
            "run_attempt": 1,
            "event": "push",
            "status": "completed",
            "conclusion": "success",
            "head_branch": "main",
            "head_sha": "a" * 40,
            "path": ".github/workflows/deploy.yml",
            "created_at": "2026-11-23T09:20:00Z",
            "run_started_at": "2026-11-23T09:20:00Z",
            "updated_at": "2026-11-23T09:40:00Z",
            "html_url": f"https://github.com/{self.repository}/actions/runs/{number}",
            "actor": {"login": "mo"},
            "triggering_actor": {"login": "mo"},
        } | fields
        self.runs.append(run)
        self.jobs.setdefault(number, [])
        return run

    def add_job(self, run: int, number: int, **fields: Any) -> dict[str, Any]:
        job = {
            "id": number,
            "run_id": run,
            "run_attempt": 1,
            "name": "apply (infra/prod)",
            "status": "completed",
            "conclusion": "failure",
            "created_at": "2026-11-23T09:20:05Z",
            "started_at": "2026-11-23T09:20:10Z",
            "completed_at": "2026-11-23T09:39:00Z",
            "html_url": f"https://github.com/{self.repository}/actions/runs/{run}/job/{number}",
            "labels": ["ubuntu-latest"],
            "runner_id": 12,
            "runner_name": "GitHub Actions 12",
            "runner_group_id": 0,
            "runner_group_name": "GitHub Actions",
        } | fields
        self.jobs[run].append(job)
        return job

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {self.TOKEN}":
            return as_json({"message": "Bad credentials"}, 401)
        root = f"{self.prefix}/repos/{self.repository}"
        if not asked.path.startswith(root + "/"):
            return as_json({"message": "Not Found"}, 404)
        return self._answer(asked, asked.path.removeprefix(root + "/").split("/"))

    def _answer(self, asked: Asked, path: list[str]) -> Reply:
        match path:
            case ["actions", "runs"]:
                page, headers = paged(asked, self._selected(asked), self.base)
                return as_json({"total_count": len(self.runs), "workflow_runs": page}, 200, **headers)
            case ["actions", "runs", run, "jobs"] if int(run) in self.jobs:
                found = self.jobs[int(run)]
                if asked.one("filter", "latest") == "latest":
                    latest = max((job["run_attempt"] for job in found), default=1)
                    found = [job for job in found if job["run_attempt"] == latest]
                page, headers = paged(asked, found, self.base)
                return as_json({"total_count": len(found), "jobs": page}, 200, **headers)
            case ["actions", "runs", run, "attempts", attempt, "jobs"] if int(run) in self.jobs:
                found = [job for job in self.jobs[int(run)] if job["run_attempt"] == int(attempt)]
                return as_json({"total_count": len(found), "jobs": found})
            case ["actions", "jobs", job] if found := [
                one for jobs in self.jobs.values() for one in jobs if one["id"] == int(job)
            ]:
                return as_json(found[0])
            case ["actions", "jobs", job, "logs"] if int(job) in self.logs:
                return 302, {"Location": f"{self.storage}/logs/{job}?sig=x"}, b""
            case ["actions", "workflows"]:
                return as_json({"total_count": len(self.workflows), "workflows": self.workflows})
            case ["check-runs", job, "annotations"]:
                return as_json(self.annotations.get(int(job), []))
            case ["pulls", number] if int(number) in self.pulls:
                return as_json(self.pulls[int(number)])
        return as_json({"message": "Not Found"}, 404)

    def _selected(self, asked: Asked) -> list[dict[str, Any]]:
        unknown = {name for name, _ in asked.query} - {"status", "created", "per_page", "page", "head_sha"}
        assert not unknown, f"not documented: {unknown}"
        found = sorted(self.runs, key=lambda run: run["id"], reverse=True)
        if status := asked.one("status"):
            found = [run for run in found if status in {run["status"], run["conclusion"]}]
        if created := asked.one("created"):
            first, _, last = created.partition("..")
            found = [run for run in found if first <= run["created_at"] <= last]
        if sha := asked.one("head_sha"):
            found = [run for run in found if run["head_sha"] == sha]
        return found

    def store(self, asked: Asked) -> Reply:
        """The storage that logs are kept in: another host, which must not see the token."""
        assert "authorization" not in asked.headers
        return as_text(self.logs[int(asked.path.rpartition("/")[2])])
