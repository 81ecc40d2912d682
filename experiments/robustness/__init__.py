"""What happens to a video on its way, factor by factor, and what is still decided of it."""
