"""What this program and a shell agree on: its name, the variable that asks for completions, and exit codes."""

PROGRAM = "tflock-tui"
COMPLETION = "_TFLOCK_TUI_COMPLETE"
INTERRUPTED = 130
NOBODY_READS = 141
