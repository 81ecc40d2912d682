"""The whole story on video the program makes itself."""
