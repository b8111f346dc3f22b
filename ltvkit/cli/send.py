"""`python -m ltvkit send`: the summary of a published report, by mail."""

from collections.abc import Sequence
from pathlib import Path

import click

from ltvkit.cli.messages import make_printable
from ltvkit.config import params
from ltvkit.core.i18n import _, speaking
from ltvkit.errors import DeliveryError
from ltvkit.report.mail import delivery, message, selection, settings

FAILED = 1


def send_summary(
    file: Path, *, to: Sequence[str], month: str | None, partial: bool, last_good: bool
) -> int:
    """Send a shop's summary, and print who got it; returns the exit status.

    All that is given is checked before anything is sent.
    """
    through = settings.read_environment()
    recipients = list(dict.fromkeys(map(message.find_address, to)))
    shop = params.load(file)
    click.get_current_context().with_resource(speaking(shop.language))
    month, read = selection.read_report(shop, month, partial=partial, last_good=last_good)
    mail = message.compose(read, sender=through.sender, to=recipients)
    try:
        refused, is_open = delivery.deliver(through, mail, recipients)
    except DeliveryError as error:
        return _tell_failure(make_printable(str(error)))
    if is_open:
        said = _("{server} offers no encryption, so the mail went over the network unprotected.")
        click.echo(_("WARNING") + " " + said.format(server=through.named), err=True)
    for who in recipients:  # addresses are not masked: the user gave them, and must know which
        if who in refused:
            text = _("{who}: the server refused the address ({reply}).")
            _tell_failure(text.format(who=who, reply=refused[who]))
        else:
            text = _("Sent: {shop} {month} to {who}")
            click.echo(text.format(shop=shop.shop, month=month, who=who))
    return FAILED if refused else 0


def _tell_failure(text: str) -> int:
    click.echo(_("FAILED") + " " + text, err=True)
    return FAILED
