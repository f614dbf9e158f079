"""Force-unlock from the backend-only root, against `init` and `force-unlock` in a root that has providers.

The peer is what the runbook asks for without us, in two states of the checkout. Both have the dependency lock file
committed, as HashiCorp recommends, and the backend of our own root:

- a fresh checkout, as in CI and on a responder's machine: `init` unpacks and verifies the providers;
- one whose providers are installed already: `init` verifies them against the lock file.

No provider can be downloaded here. Stand-ins are packed as releases are and come from a local mirror, so the peer is
spared the download; `init` starts none of them. `aws` has the size of the real one: 762 MB unpacked for 6.23.0
(abond.dev, "Must have Terraform Configurations"), 752 MB for upstream in August 2024 (pulumi/pulumi-aws#4383). `random`
is set to 20 MB, an estimate that hardly counts. Their content is the terraform binary over and over: Go code, as
providers are.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.benchmarks.measure import Figure, seconds, side_by_side
from tests.benchmarks.world import World
from tuirunbook.terraform.cli import TerraformCli

MEGABYTE = 1_000_000
PROVIDERS = {"aws": 762, "random": 20}
"""Megabytes of each provider, unpacked."""
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def force_unlock(world: World, rounds: int) -> Iterator[Figure]:
    """One lock each time, beside a fresh checkout and beside one whose providers are installed."""
    top = world.home.parent / "peer"
    mirror(top / "mirror")
    peer_env = {**world.root.environ(HOME=str(world.home)), "TF_CLI_CONFIG_FILE": str(_configuration(top))}
    cli = TerraformCli(world.root.module, environ=world.root.environ(HOME=str(world.home)))
    # The walk knows the version from its first look.
    cli.version()
    checkout = top / "checkout"
    _write(checkout, world)
    # Whoever committed the lock file ran `init` once.
    _terraform(checkout, peer_env, "init", "-input=false")

    def ours() -> float:
        lock_id = world.lock()
        return seconds(lambda: _ours(cli, world, lock_id))

    def theirs(prepare: Callable[[], object]) -> Callable[[], float]:
        def timed() -> float:
            prepare()
            lock_id = world.lock()
            return seconds(lambda: _theirs(checkout, peer_env, lock_id))

        return timed

    def fresh() -> None:
        shutil.rmtree(checkout / ".terraform")

    size = f"{' and '.join(PROVIDERS)} of {sum(PROVIDERS.values())} MB"
    peers = {
        f"init + force-unlock in a fresh checkout, {size} from a local mirror": fresh,
        f"init + force-unlock with {size} installed already": lambda: None,
    }
    for peer, prepare in peers.items():
        ours_median, theirs_median = side_by_side(rounds, ours, theirs(prepare))
        what = "force-unlock from the backend-only root"
        yield Figure(what, ours_median, "s", "at most 0.3 times", peer, theirs_median)


def _ours(cli: TerraformCli, world: World, lock_id: str) -> None:
    with cli.release_root(world.root.address) as root:
        ran = root.force_unlock(lock_id)
    if ran.exit_code:
        raise RuntimeError(ran.output)


def _theirs(checkout: Path, env: Mapping[str, str], lock_id: str) -> None:
    _terraform(checkout, env, "init", "-input=false")
    _terraform(checkout, env, "force-unlock", "-force", lock_id)


def _terraform(checkout: Path, env: Mapping[str, str], *arguments: str) -> None:
    done = subprocess.run(
        ["terraform", *arguments],
        cwd=checkout,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def _write(directory: Path, world: World) -> None:
    directory.mkdir(parents=True)
    required = {name: {"source": f"registry.terraform.io/acme/{name}", "version": "1.0.0"} for name in PROVIDERS}
    module = {"terraform": {"backend": {"s3": world.root.arguments}, "required_providers": required}}
    (directory / "main.tf.json").write_text(json.dumps(module))


def mirror(directory: Path) -> None:
    """Providers as a packed file system mirror keeps them."""
    target = f"{sys.platform}_{_MACHINES.get(platform.machine(), platform.machine())}"
    program = _binary().read_bytes()
    for name, megabytes in PROVIDERS.items():
        folder = directory / "registry.terraform.io" / "acme" / name
        folder.mkdir(parents=True)
        path = folder / f"terraform-provider-{name}_1.0.0_{target}.zip"
        left = megabytes * MEGABYTE
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
            packed.open(f"terraform-provider-{name}_v1.0.0", "w", force_zip64=True) as file,
        ):
            while left > 0:
                left -= file.write(program[:left])


def _binary() -> Path:
    found = shutil.which("terraform")
    if found is None:
        raise RuntimeError("there is no terraform on PATH")
    return Path(found).resolve()


def _configuration(top: Path) -> Path:
    path = top / "terraformrc"
    path.write_text(f'provider_installation {{ filesystem_mirror {{ path = "{top / "mirror"}" }} }}\n')
    return path
