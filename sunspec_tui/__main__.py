"""Entry point of ``sunspec-tui`` and of ``python -m sunspec_tui``."""

import sys

_EXIT_INTERRUPTED = 130


def main() -> int:
    """Run the command line and return its exit status.

    The command line is imported here, so that Ctrl-C during its imports ends without a traceback.
    """
    try:
        from sunspec_tui import cli

        return cli.main()
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
