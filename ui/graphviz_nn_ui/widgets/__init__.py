"""Parts that panels, the canvas and the window share. None of them knows where it is used."""
