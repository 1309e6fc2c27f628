"""Work away from the window's thread. Nothing else in the app makes threads or processes."""
