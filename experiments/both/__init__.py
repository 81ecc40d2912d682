"""Silhouettes and joints of the same walks: synthetic people, who have both."""
