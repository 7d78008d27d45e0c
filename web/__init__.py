"""Shows: pages, health, and the local phone with its Bot API emulator."""
