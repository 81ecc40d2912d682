"""What a scan for manipulated faces found: images, a page and the numbers."""
