"""Talks: everything that knows Telegram."""
