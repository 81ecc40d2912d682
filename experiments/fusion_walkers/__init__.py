"""Gait and face joined, on synthetic people who have both."""
