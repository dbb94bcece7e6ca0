#!/usr/bin/python3
"""Reads the names in Volte's windows as a screen reader does, over AT-SPI, until all that were asked for are there.

    scripts/window-names.py SECONDS NAME...      ends with 1 when one of them is in no window by then

(Debian's own Python: GObject introspection belongs to it.)
"""
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402 (only after the version is chosen)


def children(node):
    return [child for child in (node.get_child_at_index(k) for k in range(node.get_child_count())) if child]


def names_below(node, found, depth=0):
    """Collects (role, name) of everything below. What goes away while it is read is no fault: the next round reads again."""
    try:
        name = node.get_name()
        if name:
            found.add((node.get_role_name(), name))
        if depth < 40:
            for child in children(node):
                names_below(child, found, depth + 1)
    except GLib.Error:
        pass


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    end = time.monotonic() + float(sys.argv[1])
    wanted = sys.argv[2:]
    Atspi.init()
    while True:
        found = set()
        for application in children(Atspi.get_desktop(0)):
            names_below(application, found)
        missing = [name for name in wanted if not any(name in said for _, said in found)]
        if not missing:
            print(f"{len(found)} names are read, among them {', '.join(wanted)}")
            return
        if time.monotonic() > end:
            for role, name in sorted(found):
                print(f"  {role}: {name}", file=sys.stderr)
            sys.exit(f"FAILED: no window has the name {' or '.join(missing)}; the {len(found)} names above are read")
        time.sleep(0.5)


main()
