"""The monthly report: notebooks run through papermill, published as a folder of pages.

Read it in this order: `build` and `session` (the story), `plan` (what to run), `fresh` (whether
to), `run`, `worker` and `judge` (one notebook), `page`, `index`, `workbook` and `assemble` (what a
reader gets), `publish` (how it gets there), `archive` (the list of all reports).
"""

import sys

# A grammar for international addresses takes a second to load. Papermill and nbconvert take it
# along by way of jsonschema where it is installed, and no notebook needs it.
sys.modules.setdefault("rfc3987_syntax", None)
