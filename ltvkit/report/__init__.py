"""The monthly report: notebooks run through papermill, published as a folder of pages.

Read it in this order: `build` (the story), `plan` (what to run), `run`, `worker` and `judge`
(one notebook), `page`, `index`, `workbook` and `assemble` (what a reader gets), `publish` (how
it gets there), `archive` (the list of all reports).
"""
