"""Papermill's engine for reports: a step that lacks data gets a note, and the notebook goes on."""

from typing import Any

from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from ltvkit.core import redaction
from ltvkit.report.runner.missing_data import MissingData

NAME = "ltvkit"
OF_SAMPLE = "sample"  # tag of cells about the shop of the notebook's defaults
EXERCISE = "exercise"  # tag of cells that are for who learns


class Client(PapermillNotebookClient):
    """Runs the cells of one notebook; `missing` explains the errors that are no fault."""

    missing: MissingData

    def execute_cell(self, cell: Any, cell_index: int, **options: Any) -> Any:
        """Run one cell; its error is raised unless it is for want of data."""
        try:
            return super().execute_cell(cell, cell_index, **options)
        except CellExecutionError as error:
            said = {"ename": error.ename, "evalue": error.evalue, "traceback": [error.traceback]}
            shown = redaction.mask_error(said)
            note = self.missing.explain(cell.source, error.ename, shown)
            if note is None:
                raise
        shown = [output for output in cell.outputs if output.output_type != "error"]
        cell.outputs = [*shown, new_output("stream", name="stdout", text=f"{note}\n")]
        if self.missing.ended:
            del self.nb.cells[cell_index + 1 :]
        return cell


class Engine(NBClientEngine):
    """Papermill's own engine, with another client."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        missing: MissingData,
        of_sample: bool,
        start_timeout: int,
        **options,
    ) -> None:
        """Run the notebook that `nb_man` holds, without the answers to its exercises, and without
        cells about its sample where it is another shop's."""
        tagged = [(cell, cell.metadata.get("tags", [])) for cell in nb_man.nb.cells]
        nb_man.nb.cells = [
            cell
            for cell, tags in tagged
            if (of_sample or OF_SAMPLE not in tags)
            and not (cell.cell_type == "code" and EXERCISE in tags)
        ]
        named = {"kernel_name": kernel_name, "startup_timeout": start_timeout}
        client = Client(nb_man, **named, config=options["config"], coalesce_streams=True)
        client.missing = missing
        client.execute()


papermill_engines.register(NAME, Engine)
