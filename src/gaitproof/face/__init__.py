"""Is a face in a video manipulated: detection, alignment, tracking, scores, verdicts."""
