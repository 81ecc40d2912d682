"""From a folder of videos to an evaluated model and a gallery, in one go."""
