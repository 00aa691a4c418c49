"""Run the command line with ``python -m urbanplan``."""

from urbanplan.cli import main

if __name__ == "__main__":
    main()
