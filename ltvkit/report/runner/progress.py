"""Progress of the notebooks: a bar on a terminal, plain lines elsewhere."""

import sys

from tqdm import tqdm

from ltvkit.core import redaction
from ltvkit.core.i18n import _
from ltvkit.report.runner.workers import Done


class Progress:
    """Counts notebooks on standard error; standard output is for the result."""

    def __init__(self, total: int) -> None:
        # disable=None: no bar where there is no terminal.
        self.bar = tqdm(
            total=total, unit=_("notebook"), leave=False, dynamic_ncols=True, disable=None
        )

    def done(self, done: Done, label: str) -> None:
        """Count a notebook that has finished, was reused or failed."""
        label = redaction.mask(label)
        named = f"{label} {done.job.notebook.page}"
        if done.failure:
            failed = _("FAILED")
            self.bar.write(f"{label}: {failed} {done.failure.text}", file=sys.stderr)
        elif self.bar.disable:
            how = _("reused") if done.reused else _("finished in {s:.1f} s").format(s=done.seconds)
            self.bar.write(f"{named}: {how}", file=sys.stderr)
        self.bar.set_description(named)
        self.bar.update()
