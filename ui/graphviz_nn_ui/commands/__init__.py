"""What a person can do, by subject: each module adds its commands to the workspace."""
