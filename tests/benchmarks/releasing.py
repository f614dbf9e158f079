"""Force-unlock from the backend-only root, against `init` and `force-unlock` in a checkout whose root has providers.

No provider can be downloaded here. The peer's providers are copies of the terraform binary, a Go program as providers
are, packed as releases are and installed from a local mirror: init hashes, unpacks and writes them as it would the real
ones, of which one (aws) is larger than all of these together, and it is spared the download.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.measure import Figure, seconds, side_by_side
from tests.benchmarks.world import World
from tuirunbook.terraform.cli import TerraformCli

MEGABYTE = 1_000_000
PROVIDERS = {"aws": 4, "kubernetes": 1}
"""How many copies of the terraform binary stand in for a provider."""
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def force_unlock(world: World, rounds: int) -> Figure:
    """One lock each time; the peer's checkout is fresh each time, as a responder's is."""
    top = world.home.parent / "peer"
    mirror(top / "mirror")
    peer_env = {**world.root.environ(HOME=str(world.home)), "TF_CLI_CONFIG_FILE": str(_configuration(top))}
    cli = TerraformCli(world.root.module, environ=world.root.environ(HOME=str(world.home)))

    def ours() -> float:
        lock_id = world.lock()
        return seconds(lambda: _ours(cli, world, lock_id))

    def theirs() -> float:
        lock_id = world.lock()
        checkout = _checkout(top / "checkout", world)
        return seconds(lambda: _theirs(checkout, peer_env, lock_id))

    ours_median, theirs_median = side_by_side(rounds, ours, theirs)
    size = sum(PROVIDERS.values()) * _binary().stat().st_size // MEGABYTE
    return Figure(
        "force-unlock from the backend-only root",
        ours_median,
        "s",
        "at most 0.3 times",
        f"init + force-unlock with {len(PROVIDERS)} stand-in providers, {size} MB unpacked, from a local mirror",
        theirs_median,
    )


def _ours(cli: TerraformCli, world: World, lock_id: str) -> None:
    with cli.release_root(world.root.address) as root:
        ran = root.force_unlock(lock_id)
    if ran.exit_code:
        raise RuntimeError(ran.output)


def _theirs(checkout: Path, env: Mapping[str, str], lock_id: str) -> None:
    for arguments in (("init", "-input=false"), ("force-unlock", "-force", lock_id)):
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"] if arguments[0] == "init" else ["terraform", *arguments],
            cwd=checkout,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)


def _checkout(directory: Path, world: World) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    required = {name: {"source": f"registry.terraform.io/acme/{name}", "version": "1.0.0"} for name in PROVIDERS}
    module = {"terraform": {"backend": {"s3": world.root.arguments}, "required_providers": required}}
    (directory / "main.tf.json").write_text(json.dumps(module))
    return directory


def mirror(directory: Path) -> None:
    """Providers as a packed file system mirror keeps them."""
    target = f"{sys.platform}_{_MACHINES.get(platform.machine(), platform.machine())}"
    program = _binary().read_bytes()
    for name, copies in PROVIDERS.items():
        folder = directory / "registry.terraform.io" / "acme" / name
        folder.mkdir(parents=True)
        path = folder / f"terraform-provider-{name}_1.0.0_{target}.zip"
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
            packed.open(f"terraform-provider-{name}_v1.0.0", "w", force_zip64=True) as file,
        ):
            for _ in range(copies):
                file.write(program)


def _binary() -> Path:
    found = shutil.which("terraform")
    if found is None:
        raise RuntimeError("there is no terraform on PATH")
    return Path(found).resolve()


def _configuration(top: Path) -> Path:
    path = top / "terraformrc"
    path.write_text(f'provider_installation {{ filesystem_mirror {{ path = "{top / "mirror"}" }} }}\n')
    return path
