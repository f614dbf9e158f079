"""`python -m tuirunbook` is `tflock-tui`."""

from tuirunbook.cli import main

if __name__ == "__main__":
    main()
