"""The probability models of buying and spending, fitted fast."""
