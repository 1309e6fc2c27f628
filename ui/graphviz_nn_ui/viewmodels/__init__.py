"""What widgets show, worked out without Qt: testable with no window."""
