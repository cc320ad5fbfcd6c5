"""Garbage collection on the registry's host: said beforehand what it frees, done safely, proved afterwards."""
