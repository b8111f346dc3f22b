"""What a report shows: its pages, its workbook, the list of reports."""
