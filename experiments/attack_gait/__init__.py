"""Gait models against poses that a body can take."""
