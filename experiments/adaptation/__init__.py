"""How much of the scores rests on bone lengths, mean pose and movement."""
