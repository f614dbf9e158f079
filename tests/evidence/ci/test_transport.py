"""Asking over HTTP and through programs: what is sent where, and what goes wrong."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.evidence.ci.serving import Asked, GitHubServer, Reply, Serving, as_json, as_text, serving
from tuirunbook.evidence.ci import login, transport
from tuirunbook.evidence.ci.github import GitHub
from tuirunbook.evidence.ci.remote import Remote
from tuirunbook.evidence.ci.transport import Api, Http, NotAskedError, Program

# A stand-in for `gh` and `glab`: logged in to the hosts in its own file, it asks the loopback server as they would ask
# theirs, and prints what `api --include` prints.
STAND_IN = """#!{python}
import json, os, sys, urllib.error, urllib.request
home = json.load(open({home!r}))
args = sys.argv[1:]
with open({home!r} + ".log", "a") as log:
    tokens = [name for name in os.environ if "TOKEN" in name]
    log.write(json.dumps([args, sorted(tokens)]) + "\\n")
host = args[args.index("--hostname") + 1]
if args[0] == "auth":
    if host not in home["hosts"]:
        sys.exit("not logged in to any accounts")
    print(home["token"])
    sys.exit(0)
request = urllib.request.Request(home["url"] + "/" + args[-1])
request.add_unredirected_header("Authorization", "Bearer " + home["token"])
try:
    answer = urllib.request.urlopen(request)
except urllib.error.HTTPError as error:
    answer = error
sys.stdout.write("HTTP/2.0 %d %s\\n" % (answer.status, answer.reason))
for name, value in answer.headers.items():
    sys.stdout.write("%s: %s\\r\\n" % (name, value))
sys.stdout.write("\\r\\n")
sys.stdout.write(answer.read().decode())
sys.exit(1 if answer.status > 299 else 0)
"""


def stand_in(folder: Path, name: str, url: str, *hosts: str, token: str = GitHubServer.TOKEN) -> Path:
    """Put a stand-in program there; the file that it logs its calls to."""
    folder.mkdir(exist_ok=True)
    home = folder / f"{name}.json"
    home.write_text(json.dumps({"hosts": hosts, "token": token, "url": url}))
    program = folder / name
    program.write_text(STAND_IN.format(python=sys.executable, home=str(home)))
    program.chmod(0o755)
    return Path(f"{home}.log")


def environ(folder: Path, **more: str) -> dict[str, str]:
    return {"PATH": str(folder), "HOME": str(folder), "LANG": "C.UTF-8", **more}


def api(base: str) -> Api:
    return Api(Http(base, {"Authorization": "Bearer t0ken"}, login="X_TOKEN", renew="Set X_TOKEN."), rights="to read")


def failure(asked: Api, path: str = "x") -> NotAskedError:
    with pytest.raises(NotAskedError) as caught:
        asked.get(path)
    return caught.value


def test_gh_is_asked_when_it_is_logged_in_and_keeps_its_token(
    github: GitHubServer, served: Serving, tmp_path: Path
) -> None:
    log = stand_in(tmp_path / "bin", "gh", served.url, "github.com")
    github.add_run(812, status="in_progress", conclusion=None)
    github.add_job(812, 1, status="in_progress", conclusion=None, completed_at=None)
    found = login.github("github.com", environ(tmp_path / "bin"))
    assert isinstance(found, Program)
    assert found.login == "gh"
    runs = Api(found, rights="").get("repos/acme/infra/actions/runs", [("status", "in_progress")])
    assert runs["workflow_runs"][0]["id"] == 812
    calls = [json.loads(line)[0] for line in log.read_text().splitlines()]
    assert calls[1][:6] == ["api", "--include", "--method", "GET", "--hostname", "github.com"]


def test_pages_and_refusals_come_through_gh_as_well(github: GitHubServer, served: Serving, tmp_path: Path) -> None:
    stand_in(tmp_path / "bin", "gh", served.url, "github.com")
    for number in range(1, 4):
        github.add_run(number, status="queued", conclusion=None)
    github.base = "https://api.github.com"
    found = Api(login.github("github.com", environ(tmp_path / "bin")), rights="to read Actions")
    pages = list(found.pages("repos/acme/infra/actions/runs", [("per_page", "2")], most=5))
    assert [len(page["workflow_runs"]) for page in pages] == [2, 1]
    assert "knows no such thing" in str(failure(found, "repos/acme/other/actions/runs"))


def test_without_gh_the_token_of_the_environment_is_taken(tmp_path: Path) -> None:
    found = login.github("github.com", environ(tmp_path, GITHUB_TOKEN="t0ken"))
    assert isinstance(found, Http)
    assert (found.host, found.login) == ("api.github.com", "GITHUB_TOKEN")
    assert "gh auth login --hostname github.com" in found.renew


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("github.com", "api.github.com"),
        ("acme.ghe.com", "api.acme.ghe.com"),
    ],
)
def test_cloud_hosts_have_an_api_host_of_their_own(tmp_path: Path, host: str, base: str) -> None:
    assert login.github(host, environ(tmp_path, GH_TOKEN="t0ken")).host == base


@pytest.mark.parametrize(
    "tokens",
    [
        {"GH_TOKEN": "t0ken", "GITHUB_TOKEN": "t0ken"},
        {"GH_ENTERPRISE_TOKEN": "t0ken"},
        {"GH_ENTERPRISE_TOKEN": "t0ken", "GH_HOST": "github.acme.test"},
    ],
)
def test_a_token_is_not_sent_to_a_host_that_it_was_not_issued_for(tmp_path: Path, tokens: Mapping[str, str]) -> None:
    with pytest.raises(NotAskedError) as caught:
        login.github("github.evil.test", environ(tmp_path, **tokens))
    assert "GH_HOST=github.evil.test" in caught.value.how


def test_an_enterprise_token_goes_to_the_host_that_gh_host_names(tmp_path: Path) -> None:
    named = {"GH_ENTERPRISE_TOKEN": "t0ken", "GH_HOST": "github.acme.test"}
    found = login.github("github.acme.test", environ(tmp_path, **named))
    assert isinstance(found, Http)
    assert found._base == "https://github.acme.test/api/v3"


def test_gh_does_not_get_tokens_that_are_for_another_host(served: Serving, tmp_path: Path) -> None:
    log = stand_in(tmp_path / "bin", "gh", served.url, "github.acme.test")
    tokens = {"GH_TOKEN": "t", "GH_ENTERPRISE_TOKEN": "t"}
    found = login.github("github.acme.test", environ(tmp_path / "bin", **tokens))
    found.send("repos/x/y")
    assert [json.loads(line)[1] for line in log.read_text().splitlines()] == [[], []]


def test_gitlab_tokens_are_for_gitlab_com_unless_gitlab_host_says_otherwise(tmp_path: Path) -> None:
    assert login.gitlab("gitlab.com", environ(tmp_path, GITLAB_TOKEN="t")).host == "gitlab.com"
    named = {"GITLAB_TOKEN": "t", "GITLAB_HOST": "https://git.acme.test/"}
    assert login.gitlab("git.acme.test", environ(tmp_path, **named)).host == "git.acme.test"
    for host, env in (("git.acme.test", {"GITLAB_TOKEN": "t"}), ("gitlab.com", named)):
        with pytest.raises(NotAskedError, match="there is no login"):
            login.gitlab(host, environ(tmp_path, **env))


def test_glab_is_asked_for_the_host_that_it_is_logged_in_to(served: Serving, tmp_path: Path) -> None:
    log = stand_in(tmp_path / "bin", "glab", served.url, "git.acme.test")
    found = login.gitlab("git.acme.test", environ(tmp_path / "bin", GITLAB_TOKEN="t"))
    assert found.login == "glab"
    assert found.send("projects/1").status in {401, 404}
    assert [json.loads(line)[1] for line in log.read_text().splitlines()] == [[], []]


def test_a_program_that_fails_before_it_asks_says_why(tmp_path: Path) -> None:
    program = tmp_path / "gh"
    program.write_text("#!/bin/sh\necho 'error connecting to api.github.com' >&2\nexit 1\n")
    program.chmod(0o755)
    asked = Program((str(program), "api"), host="github.com", environ=os.environ, renew="Log in.")
    with pytest.raises(NotAskedError, match="error connecting to"):
        asked.send("x")


def test_a_program_that_never_answers_is_given_up_on(tmp_path: Path) -> None:
    program = tmp_path / "gh"
    program.write_text("#!/bin/sh\nexec sleep 30\n")
    program.chmod(0o755)
    asked = Program((str(program), "api"), host="github.com", environ=os.environ, renew="Log in.")
    with pytest.raises(NotAskedError, match="did not answer within 0 s"):
        asked.send("x", timeout=0.2)


def test_the_token_is_not_sent_where_an_answer_redirects_to() -> None:
    with (
        serving(lambda _: as_json([1])) as elsewhere,
        serving(lambda _: (302, {"Location": elsewhere.url}, b"")) as first,
    ):
        assert api(first.url).get("x") == [1]
        assert "authorization" not in elsewhere.asked[0].headers
        assert first.asked[0].headers["authorization"] == "Bearer t0ken"


def test_a_next_page_on_another_host_is_not_asked_for() -> None:
    with serving(lambda _: as_json([2])) as elsewhere:

        def answer(_: Asked) -> Reply:
            return as_json([1], 200, Link=f'<{elsewhere.url}/x?page=2>; rel="next"')

        with serving(answer) as first:
            with pytest.raises(NotAskedError, match="another host"):
                list(api(first.url).pages("x"))
            assert elsewhere.asked == []


def test_endless_redirects_end() -> None:
    with serving(lambda asked: (302, {"Location": asked.path + "x"}, b"")) as server:
        assert "from one address to the next" in str(failure(api(server.url)))


def test_a_server_that_is_too_slow_is_given_up_on() -> None:
    given_up = threading.Event()

    def slow(_: Asked) -> Reply:
        assert given_up.wait(60), "it was waited for"
        return as_json([])

    with serving(slow) as server:
        asked = Http(server.url, {}, login="X", renew="")
        with pytest.raises(NotAskedError, match="did not answer"):
            asked.send("x", timeout=0.2)
        given_up.set()


def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 1_000_000)
    with serving(lambda _: as_text("x" * 30_000_000)) as server:
        assert "more than 1 MB" in str(failure(api(server.url)))
        log = api(server.url).log("x")
        assert log.endswith("[tflock-tui: cut after 1000000 bytes]")
        assert len(log) < 1_100_000


def test_an_unreachable_host_says_to_check_the_network() -> None:
    assert "Check the network" in str(failure(api("http://127.0.0.1:9")))


def test_hosts_that_are_enterprise_servers_are_asked_below_their_prefix() -> None:
    server = GitHubServer(prefix="/api/v3")
    with serving(server) as served:
        headers = {"Authorization": f"Bearer {GitHubServer.TOKEN}"}
        asked = Http(f"{served.url}/api/v3", headers, login="GH_ENTERPRISE_TOKEN", renew="")
        system = GitHub(Remote("github.acme.test", "acme/infra"), asked)
        assert system.name == "GitHub Actions of acme/infra (github.acme.test)"
        server.add_run(1, status="queued", conclusion=None)
        assert next(Api(asked, rights="").pages("repos/acme/infra/actions/runs"))["total_count"] == 1


def test_all_questions_of_one_look_have_one_budget() -> None:
    with serving(lambda _: as_json([])) as server:
        asked = api(server.url)
        asked.begin(0.0)
        assert "took too long for all that it was asked" in str(failure(asked))
        assert server.asked == []
        asked.begin()
        assert asked.get("x") == []
