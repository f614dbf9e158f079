"""How fast and how large: `python -m tests.benchmarks [--quick]`. Each figure stands beside that of a peer."""
