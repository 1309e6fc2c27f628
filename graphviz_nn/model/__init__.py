"""Plain frozen records that every other part speaks in. No torch, no Qt."""
