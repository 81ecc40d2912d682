"""Networks for faces, trained and compared on the same clips."""
