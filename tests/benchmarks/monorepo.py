"""A repository of a size that large companies have, written anew for each benchmark."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

ROOTS = 1000
FILES = 10_000
BYTES = 2000


def write_monorepo(top: Path, *, roots: int = ROOTS, files: int = FILES, seed: int = 7) -> None:
    """`files` files of some 2 kB: `roots` root modules of five files each, modules, and a git index of them all.

    Three in four roots have a literal block; the others are completed by a file beside them, by one in a `config`
    directory above them, by a Makefile, or by nothing.
    """
    chance = random.Random(seed)  # noqa: S311 - a repository, not a secret
    top.mkdir(parents=True)
    for number in range(roots):
        directory = top / "live" / f"team-{number % 25:02}" / f"stack-{number:04}"
        directory.mkdir(parents=True)
        _write_root(directory, number)
        for name in ("main", "variables", "outputs", "data"):
            (directory / f"{name}.tf").write_text(_filler(chance, name))
    for team in range(25):
        config = top / "live" / f"team-{team:02}" / "config"
        config.mkdir(parents=True)
        (config / "backend.tfvars").write_text(
            f'bucket = "acme-team-{team}"\nregion = "eu-west-1"\ndynamodb_table = "locks"\n'
        )
    for number in range((files - 5 * roots) // 10):
        directory = top / "modules" / f"group-{number % 20:02}" / f"module-{number:04}"
        directory.mkdir(parents=True)
        for part in range(10):
            (directory / f"part{part}.tf").write_text(_filler(chance, f"p{part}"))
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    subprocess.run(["git", "-C", str(top), "add", "."], check=True)
    subprocess.run(
        ["git", "-C", str(top), "-c", "user.name=b", "-c", "user.email=b@example.com", "commit", "-qm", "all"],
        check=True,
    )


def _write_root(directory: Path, number: int) -> None:
    match number % 20:
        case 0 | 1 | 2:
            body = ""
            for stage in ("dev", "prod"):
                (directory / f"{stage}.s3.tfbackend").write_text(_arguments(f"{stage}/{number}", number))
        case 3 | 4:
            body = f'    key = "team/{number}/terraform.tfstate"\n'
            _ = number
        case _:
            body = "".join(f"    {line}\n" for line in _arguments(str(number), number).splitlines())
    (directory / "backend.tf").write_text(
        "terraform {\n"
        '  required_version = ">= 1.5"\n\n'
        "  required_providers {\n"
        '    aws = { source = "hashicorp/aws", version = "~> 5.0" }\n'
        "  }\n\n"
        f'  backend "s3" {{\n{body}  }}\n}}\n\n' + "# padding that people write\n" * 55
    )


def _arguments(key: str, number: int) -> str:
    return (
        f'bucket         = "acme-state-{number % 7}"\nkey            = "{key}/terraform.tfstate"\n'
        'region         = "eu-west-1"\ndynamodb_table = "locks"\nencrypt        = true\n'
    )


def _filler(chance: random.Random, name: str) -> str:
    parts: list[str] = []
    while sum(map(len, parts)) < BYTES - 150:
        number = chance.randrange(10_000)
        parts.append(
            f'resource "aws_instance" "{name}_{number}" {{\n  ami           = var.ami_{number}\n'
            f'  instance_type = "t3.${{local.size}}"\n\n  tags = {{\n    Name  = "{name}-{number}"\n'
            f'    Owner = "${{var.team}}/{number}"\n  }}\n}}\n\n'
        )
    return "".join(parts)
