"""Data sets: manifests, copies, readers, splits and audits, of gait and of faces."""
