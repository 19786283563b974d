"""Entry point of ``sunspec-tui`` and of ``python -m sunspec_tui``."""

import sys

from sunspec_tui.core.errors import LIMITS_REMEDY, resource_shortage

_EXIT_FAILED, _EXIT_INTERRUPTED = 1, 130


def main() -> int:
    """Run the command line and return its exit status.

    The command line is imported here, so that Ctrl-C during its imports ends without a traceback.
    """
    try:
        from sunspec_tui.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return _EXIT_INTERRUPTED
    except (ImportError, MemoryError, RuntimeError) as error:
        if not resource_shortage(error):
            raise
        sys.stderr.write(
            f"sunspec-tui: not enough memory or threads to start: {resource_shortage(error)}; {LIMITS_REMEDY}\n"
        )
        return _EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
