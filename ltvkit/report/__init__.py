"""The monthly report: notebooks run through papermill, published as a folder of pages.

Read it in this order: `build` and `session` (one command), `plan` (what to run), `runner` (one
notebook in a process of its own), `pages` (what a reader gets), `publishing` (how a finished report
replaces the last one). `results` is what notebooks call.
"""

import sys

# Papermill and nbconvert import this grammar by way of jsonschema. It takes a second to load, and
# no notebook needs it.
sys.modules.setdefault("rfc3987_syntax", None)
