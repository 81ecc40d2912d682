"""One claim about one video: examined, explained, reported; or many of them."""
