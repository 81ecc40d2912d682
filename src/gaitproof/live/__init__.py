"""A claim about somebody who is being filmed now: followed, judged again and again, told."""
