"""Static files of the web page, served at ``/`` from the folder ``static``."""
