#!/usr/bin/env bash
# A chart of a notebook is drawn in full once more than is shown: pictures nobody sees take the time.
#
# Versions: matplotlib 3.11.2, matplotlib-inline 0.2.2, ipykernel 7.3.0; Python 3.11.
# Guessed: the inline backend has no window, so a figure is drawn when its picture is made.
# Seen: at the end of a cell pyplot first looks for figures that are out of date, as if they were on
# the screen, and draws each in full, with its layout; only then the inline backend makes the
# picture, drawing twice more (for its box, and the picture itself). With a constrained layout, whose
# time goes into measuring texts, a third of the time of a chart is spent unseen. A figure that is
# marked as up to date (`figure.stale = False`) is shown all the same, and drawn once less.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    matplotlib==3.11.2 matplotlib-inline==0.2.2 ipykernel==7.3.0 nbclient==0.10.4 nbformat==5.10.4
cat >"$work/run.py" <<'PYTHON'
import nbformat
from nbclient import NotebookClient

FIRST = """
%matplotlib inline
from matplotlib import layout_engine, pyplot as plt
times = {"laid out": 0, "drawn": 0}
lay_out, drawn = layout_engine.ConstrainedLayoutEngine.execute, plt.Line2D.draw
def counted(name, work):
    def do(*args, **kwargs):
        times[name] += 1
        return work(*args, **kwargs)
    return do
layout_engine.ConstrainedLayoutEngine.execute = counted("laid out", lay_out)
class Line(plt.Line2D):
    draw = counted("drawn", drawn)
"""
CHART = """
figure, ax = plt.subplots(layout="constrained")
ax.add_line(Line([0, 1], [0, 1]))
figure.stale = {stale}
"""
SAY = "print({stale}, times); times = dict.fromkeys(times, 0)"
cells = [FIRST, *(text.format(stale=s) for s in (True, False) for text in (CHART, SAY))]
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
NotebookClient(notebook, kernel_name="python3").execute()
for cell in notebook.cells:
    shown = sum("image/png" in output.get("data", {}) for output in cell.outputs)
    said = "".join(output.get("text", "") for output in cell.outputs)
    print(*([f"pictures: {shown}"] if shown else []), *([said.strip()] if said else []))
PYTHON
"$work/venv/bin/python" -m ipykernel install --sys-prefix >/dev/null 2>&1
seen=$("$work/venv/bin/python" "$work/run.py" 2>/dev/null | grep .)
echo "$seen"
[[ $seen == "pictures: 1
True {'laid out': 2, 'drawn': 3}
pictures: 1
False {'laid out': 1, 'drawn': 2}" ]]
