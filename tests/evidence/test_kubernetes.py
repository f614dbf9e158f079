"""Pods, through a stand-in for `kubectl`: a small program on PATH that answers in its JSON and keeps its arguments.

No cluster is at hand here. The stand-in takes the options that kubectl documents, and refuses others.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.locks import BUCKET, KEY, lock_json
from tuirunbook.core.address import StateAddress
from tuirunbook.core.evidence import Finding, Match, Says
from tuirunbook.core.holder import Platform, WhoRule
from tuirunbook.core.lock import Store, StoredLock
from tuirunbook.evidence.kubernetes import Kubernetes

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CREATED = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
BEFORE, AFTER, LONG_BEFORE = "2026-11-23T02:50:00Z", "2026-11-23T03:30:00Z", "2026-11-20T00:00:00Z"
POD = "terraformer-6965b5fbc-cvzn6"
ADDRESS = StateAddress(bucket=BUCKET, key=KEY, region="eu-west-1")
RULES = (WhoRule(matches="*@terraformer-*", platform=Platform.KUBERNETES, context="prod", namespace="infra"),)

STAND_IN = f"""#!{sys.executable}
# A stand-in for kubectl: it serves what a test put beside it.
import json, pathlib, sys, time
here = pathlib.Path(__file__).parent
arguments = sys.argv[1:]
options = [a for a in arguments if a.startswith("-")]
known = ("--context=", "--namespace=", "--request-timeout=", "--output=json")
if any(not option.startswith(known) for option in options):
    sys.exit("error: unknown flag")
plan = json.loads((here / "answer").read_text())
if "namespace" in arguments:
    plan = plan.get("namespace", {{"stdout": json.dumps({{"kind": "Namespace"}})}})
else:
    (here / "asked").write_text(json.dumps(arguments))
time.sleep(plan.get("seconds", 0))
sys.stderr.write(plan.get("stderr", ""))
sys.stdout.write(plan.get("stdout", "") * plan.get("times", 1))
sys.exit(plan.get("code", 0))
"""


class Cluster:
    """Where the stand-in lives, and what it says."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        program = directory / "kubectl"
        program.write_text(STAND_IN)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def says(self, stdout: object = "", **plan: Any) -> None:
        text = stdout if isinstance(stdout, str) else json.dumps(stdout)
        (self.directory / "answer").write_text(json.dumps({"stdout": text, **plan}))

    @property
    def asked(self) -> list[str]:
        arguments: list[str] = json.loads((self.directory / "asked").read_text())
        return arguments

    def gather(self, who: str = f"@{POD}", rules: tuple[WhoRule, ...] = RULES, timeout: float = 20) -> Finding:
        source = Kubernetes(rules, {"PATH": str(self.directory)}, timeout=timeout)
        (finding,) = source.gather(lock(who), ADDRESS, NOW)
        return finding


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def lock(who: str = f"@{POD}", created: datetime | None = CREATED) -> StoredLock:
    raw = lock_json(Who=who, Created=created.isoformat() if created else "0001-01-01T00:00:00Z")
    return StoredLock.read(Store.DYNAMODB, raw.encode())


def running(since: str, before: str | None = None, reason: str = "OOMKilled") -> dict[str, Any]:
    last = {"terminated": {"finishedAt": before, "reason": reason, "exitCode": 137}} if before else {}
    return {"name": "runner", "state": {"running": {"startedAt": since}}, "lastState": last}


def ended(at: str, reason: str = "Completed") -> dict[str, Any]:
    return {"name": "runner", "state": {"terminated": {"finishedAt": at, "reason": reason, "exitCode": 0}}}


def waiting(before: str | None) -> dict[str, Any]:
    last = {"terminated": {"finishedAt": before, "reason": "Error", "exitCode": 1}} if before else {}
    return {"name": "runner", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": last}


def pod(*containers: dict[str, Any], created: str = LONG_BEFORE, policy: str = "Always", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "kind": "Pod",
        "metadata": {"name": POD, "creationTimestamp": created},
        "spec": {"restartPolicy": policy},
        "status": {"phase": "Running", "containerStatuses": list(containers)},
    }
    for path, value in more.items():
        part, _, name = path.partition("__")
        made[part][name] = value
    return made


NO_SUCH_POD = f'Error from server (NotFound): pods "{POD}" not found\n'


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (pod(running(LONG_BEFORE)), Says.NOTHING),
        (pod(running(BEFORE), policy="Never"), Says.BLOCKS),
        (pod(running(AFTER)), Says.SUPPORTS),
        (pod(running(AFTER, before=AFTER)), Says.SUPPORTS),
        (pod(running("2026-11-23T03:00:40Z")), Says.NOTHING),
        (pod(running(AFTER), running(BEFORE)), Says.NOTHING),
        (pod(ended(AFTER), policy="Never"), Says.SUPPORTS),
        (pod(ended(LONG_BEFORE), policy="Never"), Says.NOTHING),
        (pod(ended(AFTER), running(BEFORE), policy="Never"), Says.BLOCKS),
        (pod(waiting(AFTER)), Says.SUPPORTS),
        (pod(waiting(None)), Says.NOTHING),
        (pod(), Says.NOTHING),
        (pod(running(BEFORE), created=AFTER), Says.SUPPORTS),
        (pod(running(AFTER), metadata__deletionTimestamp=AFTER), Says.NOTHING),
        (pod(running(AFTER), status__phase="Unknown"), Says.NOTHING),
        (pod(running(AFTER), status__initContainerStatuses=[ended(LONG_BEFORE)]), Says.SUPPORTS),
        (pod(running(AFTER), status__initContainerStatuses=[running(BEFORE)]), Says.NOTHING),
    ],
)
def test_containers_count_and_not_the_pods_age(cluster: Cluster, said: dict[str, Any], expected: Says) -> None:
    cluster.says(said)
    finding = cluster.gather()
    assert (finding.says, finding.match) == (expected, Match.NAMES_THIS_STATE)


def test_the_pod_is_asked_for_where_the_settings_say_it_lives(cluster: Cluster) -> None:
    cluster.says(pod(running(AFTER)))
    finding = cluster.gather()
    assert cluster.asked == [
        *("--context=prod", "--namespace=infra", "--request-timeout=20s", "get", "pod", POD, "--output=json")
    ]
    assert finding.source == " ".join(["kubectl", *cluster.asked])
    assert "prod, namespace infra" in finding.fact


def test_a_pod_that_is_gone_from_where_it_lives_has_ended(cluster: Cluster) -> None:
    cluster.says(stderr=NO_SUCH_POD, code=1)
    finding = cluster.gather()
    assert (finding.says, finding.match) == (Says.SUPPORTS, Match.NAMES_THIS_STATE)


@pytest.mark.parametrize(
    "namespace",
    [
        {"code": 1, "stderr": 'Error from server (NotFound): namespaces "infra" not found'},
        {"code": 1, "stderr": 'Error from server (Forbidden): namespaces "infra" is forbidden'},
    ],
)
def test_a_pod_is_not_gone_from_a_namespace_that_may_be_misspelt(cluster: Cluster, namespace: dict[str, Any]) -> None:
    cluster.says(stderr=NO_SUCH_POD, code=1, namespace=namespace)
    assert cluster.gather().says is Says.UNKNOWN


def test_a_host_that_lives_on_contradicts_the_word_that_it_is_gone(cluster: Cluster) -> None:
    cluster.says(pod(running(LONG_BEFORE)))
    assert cluster.gather().opposes == ("holder-host=host-gone",)
    cluster.says(pod(running(AFTER)))
    assert not cluster.gather().opposes


def test_the_end_is_told_with_its_time_and_reason(cluster: Cluster) -> None:
    cluster.says(pod(running(AFTER, before="2026-11-23T03:29:00Z")))
    finding = cluster.gather()
    assert "OOMKilled" in finding.fact
    assert finding.ended_at == "2026-11-23T03:29:00.000Z"


def test_without_a_word_about_where_it_lives_nobody_is_asked_and_it_is_said_how(cluster: Cluster) -> None:
    finding = cluster.gather(rules=())
    assert (finding.says, finding.match) == (Says.UNKNOWN, Match.COULD_BE)
    assert 'namespace = "…"' in finding.fact
    assert not (cluster.directory / "asked").exists()


@pytest.mark.parametrize("who", ["root@runner-7", "runner@fv-az1-2", "bill", "", "root@93367e6dabee"])
def test_a_holder_that_is_no_pod_is_not_asked_about(cluster: Cluster, who: str) -> None:
    source = Kubernetes(RULES, {"PATH": str(cluster.directory)})
    assert not list(source.gather(lock(who), ADDRESS, NOW))
    assert not list(source.gather(StoredLock.read(Store.S3, b"garbage"), ADDRESS, NOW))


@pytest.mark.parametrize("name", ["-oyaml", "a b", "A", "../x", "terraformer-$(id)", "x" * 300])
def test_a_name_that_is_none_of_a_pod_never_reaches_the_command(cluster: Cluster, name: str) -> None:
    rules = (WhoRule(matches="*", namespace="infra"),)
    assert cluster.gather(f"root@{name}", rules).says is Says.UNKNOWN
    assert not (cluster.directory / "asked").exists()


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"code": 1, "stderr": "error: You must be logged in to the server (Unauthorized)"}, "logged in"),
        ({"code": 1, "stderr": 'Error from server (Forbidden): pods "x" is forbidden'}, "forbidden"),
        ({"code": 1, "stderr": 'error: context "prod" does not exist'}, "does not exist"),
        ({"code": 1, "stderr": 'Error from server (NotFound): namespaces "infra" not found'}, "namespaces"),
        ({"code": 1}, "said nothing"),
        ({"stdout": "<html>sign in</html>"}, "not JSON"),
        ({"stdout": '{"kind": "List", "items": []}'}, "no Pod"),
        ({"stdout": "[]"}, "no Pod"),
        ({"stdout": "x" * 1_000, "times": 20_000}, "more than"),
        ({"code": 1, "stderr": "\x1b[31mtoken=abcdef0123456789\x1b[0m"}, "[redacted]"),
    ],
)
def test_what_cannot_be_asked_is_not_taken_for_an_answer(cluster: Cluster, plan: dict[str, Any], words: str) -> None:
    cluster.says(**plan)
    finding = cluster.gather()
    assert (finding.says, finding.match) == (Says.UNKNOWN, Match.COULD_BE)
    assert words in finding.fact
    assert "\x1b" not in finding.fact


def test_one_that_never_answers_is_given_up(cluster: Cluster) -> None:
    cluster.says(seconds=60)
    finding = cluster.gather(timeout=0.5)
    assert (finding.says, "VPN" in finding.fact) == (Says.UNKNOWN, True)


def test_without_kubectl_it_is_said(tmp_path: Path) -> None:
    (finding,) = Kubernetes(RULES, {"PATH": str(tmp_path)}).gather(lock(), ADDRESS, NOW)
    assert (finding.says, "not installed" in finding.fact) == (Says.UNKNOWN, True)


def test_a_lock_that_does_not_say_when_it_was_taken_is_not_compared(cluster: Cluster) -> None:
    cluster.says(pod(running(AFTER)))
    source = Kubernetes(RULES, {"PATH": str(cluster.directory)}, timeout=20)
    (finding,) = source.gather(lock(created=None), ADDRESS, NOW)
    assert finding.says is Says.NOTHING


def test_the_installed_kubectl_knows_the_options_that_are_used(tmp_path: Path) -> None:
    import shutil  # noqa: PLC0415 - only this test asks for the real one
    import subprocess  # noqa: PLC0415 - likewise

    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed here")
    nowhere = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(tmp_path / "none")}
    argv = Kubernetes(RULES, nowhere)._argv(RULES[0], "pod", POD)
    done = subprocess.run([program, *argv[1:]], env=nowhere, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert 'context "prod" does not exist' in done.stderr or "context was not found" in done.stderr
