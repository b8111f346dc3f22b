"""Forecasts tested on months held back, against simple methods."""
