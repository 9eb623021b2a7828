"""The registry of a report's sections.

Each section is a module of this folder with `TITLE` and with `context`, a function that takes the `Contents` and gives
the values of its template (`templates/NAME.html`), or None where there is nothing to show. To add a section, write both
files and put the name into SECTIONS.
"""

SECTIONS = ("summary", "trials", "tradeoffs", "curves", "variants", "configuration", "provenance")
"""The sections in the order of the page."""
