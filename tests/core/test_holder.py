"""What a lock's `Who` tells: every form that was seen in public, and what a team says of its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuirunbook.core.holder import (
    MOST_CHARACTERS,
    Holder,
    Platform,
    Sureness,
    WhoRule,
    like,
    read_who,
    same_host,
)

GITHUB, GITLAB, AZURE, CIRCLECI = Platform.GITHUB, Platform.GITLAB, Platform.AZURE, Platform.CIRCLECI
POD, CONTAINER, EC2, LAPTOP = Platform.KUBERNETES, Platform.CONTAINER, Platform.EC2, Platform.LAPTOP
HIGH, MEDIUM, LOW = Sureness.HIGH, Sureness.MEDIUM, Sureness.LOW

SEEN: dict[str, tuple[Platform, Sureness] | None] = {
    "runner@fv-az881-525": (GITHUB, HIGH),
    "runner@fv-az712-500": (GITHUB, HIGH),
    "runner@fv-az343-509": (GITHUB, HIGH),
    "runner@fv-az290-522": (GITHUB, HIGH),
    "runner@runnervmwhb2z": (GITHUB, HIGH),
    "runner@runnervm3jyl0": (GITHUB, HIGH),
    "runner@runnervmg1sw1": (GITHUB, HIGH),
    "runner@runnervmw9dnm": (GITHUB, HIGH),
    "runner@runnervmmklqx": (GITHUB, HIGH),
    "runner@runnervmgx7h7": (GITHUB, HIGH),
    "vsts@fv-az719-784": (AZURE, HIGH),
    "vsts@fv-az635-78": (AZURE, HIGH),
    "vsts@fv-az692": (AZURE, HIGH),
    "vsts-agent@azdevops-agents-prod108-2": (AZURE, MEDIUM),
    "root@runner-t3qyxf-project-7120-concurrent-0": (GITLAB, HIGH),
    "runner@runner-urx-q8js-project-102-concurrent-0nbfb2": (GITLAB, HIGH),
    "gitlab-runner@runner01": (GITLAB, HIGH),
    "circleci@959fcba5e7a7": (CIRCLECI, HIGH),
    "circleci@runner.local": (CIRCLECI, MEDIUM),
    "@d701fcddc381": (CONTAINER, HIGH),
    "root@93367e6dabee": (CONTAINER, HIGH),
    "leverage@6af9e3efd01f": (CONTAINER, HIGH),
    "root@d07617be-2a33-458a-6035-44c770cb4ade": (Platform.CONCOURSE, MEDIUM),
    "root@be462693c16b": (CONTAINER, HIGH),
    "ubuntu@ip-172-31-2-133": (EC2, MEDIUM),
    "atlantis@eu-west-1.compute.internal": (Platform.ATLANTIS, MEDIUM),
    "root@ip-172-31-24-242": (EC2, MEDIUM),
    "ec2-user@ip-10-6-39-55.eu-central-1.compute.internal": (EC2, MEDIUM),
    "@terraformer-6965b5fbc-cvzn6": (POD, HIGH),
    "@crossplane-provider-terraform-fbc1e6f37348-557b86567c-z9ttf": (POD, HIGH),
    "rpuser@applications-rp-6f499d645b-vvmnl": (POD, HIGH),
    "runner@prowlarr-provisioner-tf-runner": (POD, HIGH),
    "controller@sg2-tf-runner": (POD, HIGH),
    "sbx_user1051@xx.xx.xx.xx": (Platform.LAMBDA, HIGH),
    "root@infra": None,
    "runner@aws-dynamo-table-tf-runner": (POD, HIGH),
    "rpuser@dynamic-rp-6ff9bc688d-6r6ws": (POD, HIGH),
    "genaker@genaker": (LAPTOP, MEDIUM),
    "sgendler@Samuels-MBP": (LAPTOP, HIGH),
    "glasser@glasser-lyrid-2.local": (LAPTOP, MEDIUM),
    "mchauhan@Mchauhan-Latitude-E7450": (LAPTOP, HIGH),
    "simon@simon-ubuntu-vm": (LAPTOP, MEDIUM),
    "Mallikharjun-PC\\Mallikharjun@Mallikharjun-PC": (LAPTOP, MEDIUM),
    "ELECTRO\\victorsh@LOGRUS": (LAPTOP, MEDIUM),
    "buck@localhost.lan": (LAPTOP, MEDIUM),
    "bill": None,
    "user@localhost": None,
    "user@host": None,
    "atlantis@XXXXX": (Platform.ATLANTIS, MEDIUM),
}
"""The 49 values that were collected from issues, pull requests and public repositories."""


def test_there_are_as_many_values_as_were_collected() -> None:
    assert len(SEEN) == 49


@pytest.mark.parametrize(("who", "expected"), SEEN.items(), ids=SEEN.keys())
def test_every_form_seen_in_public_is_read(who: str, expected: tuple[Platform, Sureness] | None) -> None:
    clues = read_who(who).clues
    assert (clues and (clues[0].platform, clues[0].sureness)) == (expected or ())


@pytest.mark.parametrize(
    ("who", "parts"),
    [
        ("root@vm", ("root", "", "vm")),
        ("@pod-abc", ("", "", "pod-abc")),
        ("ELECTRO\\victorsh@LOGRUS", ("victorsh", "ELECTRO", "LOGRUS")),
        ("sam@acme.test@laptop", ("sam@acme.test", "", "laptop")),
        ("AzureAD\\sam@acme.test@SURFACE", ("sam@acme.test", "AzureAD", "SURFACE")),
        ("bill", ("bill", "", "")),
        ("root@", ("root", "", "")),
        ("@", ("", "", "")),
        ("", ("", "", "")),
    ],
)
def test_user_domain_and_host_are_split_at_the_last_at_sign(who: str, parts: tuple[str, str, str]) -> None:
    holder = read_who(who)
    assert (holder.user, holder.domain, holder.host) == parts


@pytest.mark.parametrize(
    ("who", "name", "value"),
    [
        ("ec2-user@ip-10-6-39-55.eu-central-1.compute.internal", "address", "10.6.39.55"),
        ("ec2-user@ip-10-6-39-55.eu-central-1.compute.internal", "region", "eu-central-1"),
        ("ec2-user@ip-10-6-39-55.us-gov-west-1.compute.internal", "region", "us-gov-west-1"),
        ("root@ip-172-31-24-242", "address", "172.31.24.242"),
        ("root@ip-10-0-0-7.ec2.internal", "address", "10.0.0.7"),
        ("atlantis@eu-west-1.compute.internal", "region", "eu-west-1"),
        ("@terraformer-6965b5fbc-cvzn6", "pod", "terraformer-6965b5fbc-cvzn6"),
        ("runner@prowlarr-provisioner-tf-runner", "pod", "prowlarr-provisioner-tf-runner"),
        ("root@93367e6dabee", "container", "93367e6dabee"),
        ("root@runner-t3qyxf-project-7120-concurrent-0", "project", "7120"),
        ("root@runner-t3qyxf-project-7120-concurrent-0", "runner", "t3qyxf"),
        ("runner@runner-urx-q8js-project-102-concurrent-0nbfb2", "runner", "urx-q8js"),
        ("runner@runner-urx-q8js-project-102-concurrent-0nbfb2", "pod-suffix", "nbfb2"),
        ("root@infra", "address", ""),
    ],
)
def test_what_a_name_carries_is_read(who: str, name: str, value: str) -> None:
    assert read_who(who).fact(name) == value


def test_an_address_that_cannot_be_one_is_none() -> None:
    assert not read_who("root@ip-10-0-0-999").clues


@pytest.mark.parametrize(
    ("who", "others"),
    [
        ("root@fv-az881-525", ["GitHub Actions", "Azure Pipelines"]),
        ("root@93367e6dabee", ["a container", "GitHub Actions", "CircleCI", "somebody's own machine"]),
        ("ubuntu@ip-172-31-2-133", ["an EC2 instance", "an ECS task", "a Kubernetes pod"]),
    ],
)
def test_a_name_that_several_platforms_give_says_so(who: str, others: list[str]) -> None:
    sentence = read_who(who).sentence
    assert "shared between" in sentence
    assert all(other in sentence for other in others)


def test_the_user_decides_between_github_and_azure() -> None:
    assert [read_who(f"{user}@fv-az1-2").clues[0].platform for user in ("runner", "vsts")] == [GITHUB, AZURE]
    assert "shared" not in read_who("vsts@fv-az1-2").sentence


def test_only_machines_made_for_one_job_are_single_use() -> None:
    single = {who for who in SEEN if read_who(who).single_use}
    assert single == {who for who in SEEN if who.startswith(("runner@fv-", "runner@runnervm", "vsts@", "circleci@9"))}


@pytest.mark.parametrize("who", ["", " ", "bill", "root@infra"])
def test_a_name_that_tells_nothing_says_so(who: str) -> None:
    assert "nobody" in (said := read_who(who).sentence) or "nothing" in said or "no host" in said


def test_a_team_says_where_its_holders_live() -> None:
    rules = [
        WhoRule(matches="*@build-*", platform=Platform.JENKINS, says="our Jenkins agents", region="eu-west-1"),
        WhoRule(matches="*", platform=Platform.HOST),
    ]
    holder = read_who("deploy@build-7", rules)
    assert (holder.clues[0].platform, holder.clues[0].sureness) == (Platform.JENKINS, Sureness.DECLARED)
    assert holder.sentence == "by the settings our Jenkins agents"
    assert holder.home is rules[0]


def test_a_teams_word_keeps_what_the_name_carries() -> None:
    rules = [WhoRule(matches="*@terraformer-*", platform=POD, context="prod", namespace="infra")]
    assert read_who("@terraformer-6965b5fbc-cvzn6", rules).fact("pod") == "terraformer-6965b5fbc-cvzn6"


def test_a_rule_without_a_platform_adds_where_and_leaves_what() -> None:
    holder = read_who("root@ip-10-0-0-7", [WhoRule(matches="root@ip-10-*", account="123456789012")])
    assert holder.clues[0].platform is EC2
    assert holder.home is not None


@pytest.mark.parametrize(
    ("who", "pattern", "expected"),
    [
        ("deploy@BUILD-7", "*@build-?", True),
        ("deploy@build-77", "*@build-?", False),
        ("x@[a]", "x@[a]", True),
        ("x@a", "x@[a]", False),
        ("a@b\nc", "a@*", True),
        ("", "*", True),
    ],
)
def test_a_teams_pattern_has_only_stars_and_question_marks(who: str, pattern: str, expected: bool) -> None:  # noqa: FBT001
    assert like(who, pattern) is expected


@pytest.mark.timeout(10)
def test_no_name_and_no_pattern_takes_long() -> None:
    for text in ("a" * 1_000_000, "a-" * 500_000, "ip-1-" * 200_000, "runner-" + "a-project-" * 100_000):
        read_who(f"root@{text}", [WhoRule(matches="*a" * 200 + "b")])
    assert len(read_who("x" * 9_999).who) == MOST_CHARACTERS


@given(st.text(max_size=300), st.lists(st.text(max_size=20).map(lambda text: WhoRule(matches=text)), max_size=3))
def test_any_text_is_read(who: str, rules: list[WhoRule]) -> None:
    holder = read_who(who, rules)
    assert isinstance(holder, Holder)
    assert holder.sentence
    assert [clue.sureness for clue in holder.clues] == sorted(
        (clue.sureness for clue in holder.clues), key=list(Sureness).index
    )


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("glasser-lyrid-2.local", "glasser-lyrid-2.lan", None),
        ("Samuels-MBP", "samuels-mbp", True),
        ("build-7", "build-7.acme.test", None),
        ("build-7.acme.test", "build-7.other.test", False),
        ("build-7", "build-8", False),
        ("", "", True),
    ],
)
def test_names_that_differ_in_the_domain_may_be_one_machine(one: str, other: str, expected: bool | None) -> None:  # noqa: FBT001
    assert same_host(one, other) is expected
