"""What killed runs left is put right by whatever looks at the reports next."""

from contextlib import suppress

from ltvkit.core import paths
from ltvkit.errors import LtvkitError
from ltvkit.report.pages import all_reports
from ltvkit.report.publishing import markers, publish
from ltvkit.report.runner import kernel_folders


def recover() -> None:
    """Restore reports that were being replaced, record reports that are owed, remove leftovers.

    Never raises: a folder that cannot be written is no reason to do nothing else.
    """
    for step in (kernel_folders.remove_vanished, _recover_reports, _record_vanished):
        with suppress(LtvkitError, OSError):
            step()


def _recover_reports() -> None:
    if paths.reports().is_dir():
        publish.recover_all()


def _record_vanished() -> None:
    if paths.reports().is_dir() and markers.record_vanished():
        all_reports.refresh()
