"""``python -m reproductions.usability.faults``: the same as ``python -m reproductions usability faults``."""

from __future__ import annotations

import argparse
import logging
import sys

from reproductions.errors import SurveyError
from reproductions.usability.faults import commands


def main() -> int:
    """Run the command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m reproductions.usability.faults", description=commands.TEXT)
    commands.add_options(parser)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = parser.parse_args()
    try:
        return options.run(options)
    except SurveyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: finished runs are kept, the same command resumes", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
