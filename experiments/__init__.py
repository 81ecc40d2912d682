"""Experiments that back figures in the documentation; no part of the installed package."""
