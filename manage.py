#!/usr/bin/env python3
"""The command line: starts the embedded database when a command needs one, then hands over to Django."""

import os
import sys

WITHOUT_DATABASE = {"help", "--help", "-h", "--version", "version", "down", "up"}  # `up` reports the start itself


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line

    if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_DATABASE:
        from portal import embedded

        try:
            embedded.ensure()
        except embedded.EmbeddedError as error:
            sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
