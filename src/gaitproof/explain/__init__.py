"""Why a score came out as it did, and whether such an explanation can be trusted."""
