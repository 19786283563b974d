"""Rows and blocks of time, joined from ring, memory and archive."""
