"""FileWallBall: a file service whose every operation can be seen, counted and proven."""
