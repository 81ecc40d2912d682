"""What a scan for manipulated faces found: pictures, a page and the numbers."""
