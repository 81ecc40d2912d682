"""What a million hours of video take: machines, waiting, losses, storage and money."""
