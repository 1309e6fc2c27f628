"""The command line: one file a command, gathered through the plugin hook `add_commands`."""
