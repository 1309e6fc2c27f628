"""What goes on by itself while a run is open: checks, and the growth of its file."""
