"""What a person sees while notebooks run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys

from ltvkit.i18n import _
from ltvkit.report.run import Done


class Progress:
    """Counts notebooks. Everything goes to standard error; standard output is for the result."""

    def __init__(self, total: int) -> None:
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=_("notebook"), leave=False, dynamic_ncols=True)

    def done(self, done: Done, label: str) -> None:
        """One notebook is finished, was reused, or failed."""
        if done.failure:
            self.say(f"{label}: {_('FAILED')} {done.failure.text}")
        elif not self._bar:
            how = _("reused") if done.reused else _("finished in {s:.1f} s").format(s=done.seconds)
            self.say(f"{label} {done.job.notebook.page}: {how}")
        if self._bar:
            self._bar.set_description(f"{label} {done.job.notebook.page}")
            self._bar.update()

    def say(self, text: str) -> None:
        """A line above the bar."""
        if self._bar:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        if self._bar:
            self._bar.close()
