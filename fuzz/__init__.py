"""A seeded mutation fuzzer over everything that gaitproof reads; see docs/reference/security.md.

``python -m fuzz`` from the repository's root; it is not part of the installed package.
"""
