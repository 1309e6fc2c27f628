"""The docks around the canvas. Each receives the workspace and follows its signals; none knows another."""
