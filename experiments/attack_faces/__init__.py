"""Face networks against somebody who knows them, or asks them."""
